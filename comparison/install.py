import os
import subprocess
import sys
from pathlib import Path

from bench.processes import PROJECT

ALERTA = ("alerta-server==9.1.0", "psycopg2-binary", "gunicorn")
HEALTHCHECKS = "https://github.com/healthchecks/healthchecks"
TAG = "v4.3"
DEFAULT_FOLDER = Path("~/.cache/incidents-comparison").expanduser()
IS_TOO_OLD = "import sys; sys.exit(sys.version_info < (3, 12))"


class Installation:
    """The folder of the products' environments."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.expanduser().resolve()
        if self.folder.is_relative_to(PROJECT):
            raise SystemExit(f"{self.folder} is inside the project: name another folder")
        self.alerta = self.folder / "alerta" / "bin"
        self.healthchecks = self.folder / "healthchecks-environment" / "bin"
        self.checkout = self.folder / "healthchecks"
        self.complete = self.folder / "complete"


def install(installation: Installation, python: str, checkout: Path | None) -> None:
    """Prepare both products; what is there already is kept."""
    if subprocess.run([python, "-c", IS_TOO_OLD], check=False).returncode:
        raise SystemExit(f"healthchecks needs Python 3.12 or later, {python} is older: name one by --python")
    installation.folder.mkdir(parents=True, exist_ok=True)
    environment(installation.alerta, sys.executable, *ALERTA)
    fetch(installation.checkout, checkout)
    requirements = f"--requirement={installation.checkout / 'requirements.txt'}"
    environment(installation.healthchecks, python, requirements, "gunicorn")
    for words in (["collectstatic", "--noinput", "--verbosity=0"], ["compress", "--verbosity=0"]):
        step(str(installation.healthchecks / "python"), "manage.py", *words, folder=installation.checkout)
    installation.complete.touch()
    print(f"Both products are in {installation.folder}")


def environment(programs: Path, python: str, *packages: str) -> None:
    step(python, "-m", "venv", str(programs.parent))
    step(str(programs / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages)


def fetch(target: Path, checkout: Path | None) -> None:
    if target.exists():
        return
    if checkout:
        target.symlink_to(checkout.resolve())
    else:
        step("git", "clone", "--quiet", "--depth=1", f"--branch={TAG}", HEALTHCHECKS, str(target))


def step(*arguments: str, folder: Path | None = None) -> None:
    print("+", *arguments, flush=True)
    # healthchecks compresses its files for production only.
    if subprocess.run(arguments, cwd=folder, env={**os.environ, "DEBUG": "False"}, check=False).returncode:
        raise SystemExit("This step failed; what was done before it is kept.")

"""Files of the service in folders that others of this machine may enter or write to."""

import os
import stat
from pathlib import Path

from resilience.attacks.accounts import create
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import scratch

VICTIM = "precious\n"


def run(target: Target) -> list[Figure]:
    """Modes in a data folder that was there with 0755, and planted symlinks in a folder of backups."""
    with scratch() as folder:
        data = folder / "data"
        data.mkdir()
        data.chmod(0o755)
        with target.running(DATA_DIR=str(data)) as service:
            create(service, service.login(), "Самокат")
            shared = folder / "shared"
            shared.mkdir()
            victims = plant(folder, shared)
            try:
                service.manage("backup", "--to", str(shared))
                backup = "the backup was made"
            except RuntimeError as error:
                backup = (
                    f"refused: {str(error).strip().splitlines()[-1].rpartition('CommandError: ')[2][:60]}"
                )
            touched = sorted(name for name, path in victims.items() if path.read_text() != VICTIM)
            readable = sorted(
                f"{path.relative_to(folder)} {stat.S_IMODE(path.stat().st_mode):04o}"
                for path in files_in(data, shared)
                if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
            )
    return [
        Figure(
            "13",
            "files: those that others may read, in a data folder that was there with 0755",
            "none",
            ", ".join(readable) or "none",
            not readable,
        ),
        Figure(
            "19",
            "files: those changed through planted symlinks by manage.py backup --to",
            "none",
            f"{', '.join(touched) or 'none'}; {backup}",
            not touched,
        ),
    ]


def plant(folder: Path, shared: Path) -> dict[str, Path]:
    """Plant symlinks to files that whoever makes the backup may write, under the names of the locks."""
    victims = {}
    for name in (".backup.lock", ".running.lock", ".directory.lock"):
        victims[name] = folder / f"victim{name}"
        victims[name].write_text(VICTIM)
        (shared / name).symlink_to(victims[name])
    return victims


def files_in(*folders: Path) -> list[Path]:
    paths = [
        Path(place) / name for folder in folders for place, _, names in os.walk(folder) for name in names
    ]
    return [path for path in paths if path.is_file() and not path.is_symlink()]

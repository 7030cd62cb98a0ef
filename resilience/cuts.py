import contextlib
import subprocess
import sys

from resilience.cluster import NotInstalled, postgres
from resilience.figures import Figure
from resilience.service import PROJECT, Service, scratch


def run() -> list[Figure]:
    """Migrations cut by kill -9 just before and just after each is written down as done."""
    figures = [cuts("SQLite")]
    with contextlib.suppress(NotInstalled), postgres() as cluster:
        figures.append(cuts("PostgreSQL", DATABASE_URL=cluster.url))
    return figures


def cuts(database: str, **settings: str) -> Figure:
    with scratch() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "resilience.cutting"],
            cwd=PROJECT,
            env=Service(folder, **settings).environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    lines = done.stdout.splitlines()
    ends = [line for line in lines if line.endswith(("well", "badly"))]
    badly = [line for line in ends if line.endswith("badly")]
    errors = {line for line in lines if line not in ends}
    return Figure(
        "",
        f"a first run cut at each migration, then run again, {database}",
        "ends well each time",
        f"{len(badly)} of {len(ends)} ended badly {sorted(errors)[:3] or ''}{done.stderr[-300:]}",
        bool(ends) and not badly and done.returncode == 0,
    )

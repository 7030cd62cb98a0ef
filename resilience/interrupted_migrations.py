import contextlib
import subprocess
import sys

from bench.processes import PROJECT
from resilience.figures import Figure
from resilience.postgres import private_postgres
from resilience.service import Service, Unavailable, scratch


def run() -> list[Figure]:
    """A first run killed with -9 just before and just after each migration is recorded, then run again."""
    figures = [interrupted("SQLite")]
    with contextlib.suppress(Unavailable), private_postgres() as cluster:
        figures.append(interrupted("PostgreSQL", DATABASE_URL=cluster.url))
    return figures


def interrupted(database: str, **settings: str) -> Figure:
    with scratch() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "resilience.interrupted_migrations_child"],
            cwd=PROJECT,
            env=Service(folder, **settings).environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    lines = done.stdout.splitlines()
    ends = [line for line in lines if line.endswith(("ok", "failed"))]
    failed = [line for line in ends if line.endswith("failed")]
    errors = {line for line in lines if line not in ends}
    return Figure(
        "",
        f"a first run killed at each migration, then run again, {database}",
        "succeeds each time",
        f"{len(failed)} of {len(ends)} failed {sorted(errors)[:3] or ''}{done.stderr[-300:]}",
        bool(ends) and not failed and done.returncode == 0,
    )

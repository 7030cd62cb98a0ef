"""A private PostgreSQL with its usual durability, which .ci/postgres turns off for speed."""

import contextlib
import os
import pwd
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from bench.processes import run_program
from resilience.service import Unavailable, scratch

INSTALLED = Path("/usr/lib/postgresql")
MAX_START_SECONDS = 30


class Cluster:
    """A cluster in `folder`, which listens on a socket there and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql://incidents@{str(folder).replace('/', '%2F')}/postgres"

    def run(self, program: str, *options: str) -> None:
        run_program([*as_server(), find(program), f"--pgdata={self.data}", *options], cwd=Path("/"))

    def start(self, *, wait: bool = True) -> None:
        server_options = f"-c listen_addresses='' -k {self.folder}"
        self.run(
            "pg_ctl",
            f"--log={self.folder}/data/log",
            f"--options={server_options}",
            "--silent",
            "--wait" if wait else "--no-wait",
            "start",
        )

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", f"--mode={mode}", "--wait", "--silent", "stop")

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + MAX_START_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
            else:
                return


@contextlib.contextmanager
def private_postgres() -> Iterator[Cluster]:
    """Yield a running cluster. Raises `Unavailable`."""
    find("initdb")
    with scratch() as folder:
        cluster = Cluster(folder)
        if os.getuid() == 0:
            shutil.chown(folder, owner())
        cluster.run("initdb", "--username=incidents", "--auth=trust", "--encoding=UTF8", "--no-locale")
        cluster.start()
        try:
            yield cluster
        finally:
            with contextlib.suppress(RuntimeError):
                cluster.stop("immediate")


def find(program: str) -> str:
    path = os.pathsep.join([os.environ.get("PATH", ""), *map(str, sorted(INSTALLED.glob("*/bin")))])
    found = shutil.which(program, path=path)
    if not found:
        raise Unavailable(f"PostgreSQL's {program} is not on this machine")
    return found


def as_server() -> list[str]:
    """Return the prefix of a command that PostgreSQL refuses to run as root."""
    if os.getuid():
        return []
    user = pwd.getpwnam(owner())
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def owner() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"

"""A private PostgreSQL with its usual durability, which .ci/postgres leaves away for the sake of speed."""

import contextlib
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from resilience.service import scratch

INSTALLED = Path("/usr/lib/postgresql")
LONGEST_START = 30


class NotInstalled(Exception):
    pass


class Cluster:
    """A cluster in `folder`, which listens on a socket there and nowhere else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql://incidents@{str(folder).replace('/', '%2F')}/postgres"

    def run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*as_server(), find(program), f"--pgdata={self.data}", *words],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr or done.stdout}")

    def start(self, *, wait: bool = True) -> None:
        options = f"-c listen_addresses='' -k {self.folder}"
        self.run(
            "pg_ctl",
            f"--log={self.folder}/data/log",
            f"--options={options}",
            "--silent",
            "--wait" if wait else "--no-wait",
            "start",
        )

    def stop(self, mode: str) -> None:
        self.run("pg_ctl", f"--mode={mode}", "--wait", "--silent", "stop")

    def wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + LONGEST_START
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
def postgres() -> Iterator[Cluster]:
    """Lend a running cluster. Raises `NotInstalled`."""
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
    places = os.pathsep.join([os.environ.get("PATH", ""), *map(str, sorted(INSTALLED.glob("*/bin")))])
    found = shutil.which(program, path=places)
    if not found:
        raise NotInstalled(f"PostgreSQL's {program} is not on this machine")
    return found


def as_server() -> list[str]:
    """Return the words before a command that PostgreSQL refuses to run as root."""
    if os.getuid():
        return []
    user = pwd.getpwnam(owner())
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def owner() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return "nobody"

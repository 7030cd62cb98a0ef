"""Processes: programs, the environment and port of a server under test, and what /proc says of it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from dotenv import dotenv_values

from bench.http_client import HOST

PROJECT = Path(__file__).resolve().parent.parent
WORKERS = 2


def environment(data: Path, port: int, password: str) -> dict[str, str]:
    """Return a server's environment, without the developer's own settings and those in .env."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **dict.fromkeys(dotenv_values(PROJECT / ".env"), ""),
        **kept,
        "DATA_DIR": str(data),
        "DATABASE_URL": "",
        "HOST": HOST,
        "PORT": str(port),
        "WEB_CONCURRENCY": str(WORKERS),
        "ADMIN_PASSWORD": password,
    }


def free_port(ports: Iterable[int]) -> int:
    for port in ports:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            return port
    raise RuntimeError(f"no free port in {ports}")


def run_program(
    command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None, seconds: float = 600
) -> str:
    """Run a program and return what it prints. Raises `RuntimeError` with its output if it fails."""
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=seconds
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr or done.stdout}")
    return done.stdout


def exit_with(main: Callable[[], int]) -> NoReturn:
    """Exit with the code of `main`; SIGTERM and Ctrl-C end it with its context managers closed."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)


def children(pid: int) -> list[int]:
    """Return the process ids of the children of `pid`, none if it has ended."""
    with contextlib.suppress(OSError):
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []


def listens(pid: int) -> bool:
    """Tell whether the process has a socket that listens on an IPv4 address."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    inodes = {f"socket:[{columns[9]}]" for columns in lines if columns[3] == "0A"}
    with contextlib.suppress(OSError):
        return any(str(link.readlink()) in inodes for link in Path(f"/proc/{pid}/fd").iterdir())
    return False


def cpu_seconds(pids: Iterable[int]) -> float:
    """Return the processor time that the processes have used since they started."""
    tasks = (task for pid in pids for task in Path(f"/proc/{pid}/task").iterdir())
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@dataclass(frozen=True, order=True)
class Memory:
    """The memory of a process in MB: proportional (shared pages by share, Pss), private, resident."""

    proportional: float
    private: float
    resident: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        lines = (line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:])
        found = {columns[0]: int(columns[1]) / 1024 for columns in lines}
        return cls(found["Pss:"], found["Private_Clean:"] + found["Private_Dirty:"], found["Rss:"])

    @staticmethod
    def peak(pid: int) -> float:
        """Return the highest resident size, since `reset_peak` if that was called."""
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))

    @staticmethod
    def reset_peak(pid: int) -> None:
        Path(f"/proc/{pid}/clear_refs").write_text("5")

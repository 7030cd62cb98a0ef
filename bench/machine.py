"""The machine and the versions that the figures were measured on."""

import importlib.metadata
import os
import platform
import re
import sqlite3
import subprocess
from pathlib import Path

from bench.limit import wsgi
from bench.load import wrk


def describe(folder: Path) -> str:
    cpu = re.search("model name\\s*: (.*)", Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text())
    load = subprocess.run([wrk(), "-v"], capture_output=True, text=True, check=False).stdout
    wrk_version = re.search(r"\d+\.\d+\.\d+", load)
    version = importlib.metadata.version
    return (
        f"{os.cpu_count()} cores of {cpu[1] if cpu else platform.machine()},"
        f" {int(memory[1]) / 2**20 if memory else 0:.0f} GB of memory, {file_system(folder)},"
        f" Linux {platform.release()}; Python {platform.python_version()}, Django {version('django')},"
        f" SQLite {wsgi.SQLITE} (the reference: {sqlite3.sqlite_version}),"
        f" gunicorn {version('gunicorn')}, wrk {wrk_version[0] if wrk_version else '?'}"
    )


def file_system(folder: Path) -> str:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if folder.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2]

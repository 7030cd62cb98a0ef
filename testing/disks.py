"""The server's worker over disks that no machine has at hand for tests: a slow one and one that fails."""

import errno
import time
from pathlib import Path
from typing import IO

from django.conf import settings

from common.db import group_commit
from server import worker

SECONDS = 0.5
flush = group_commit.flush


class Slow(worker.Worker):
    def init_process(self) -> None:
        group_commit.flush = flush_slowly
        super().init_process()


class Failing(worker.Worker):
    def init_process(self) -> None:
        group_commit.flush = fail_or_flush
        super().init_process()


def flush_slowly(file: IO[bytes]) -> None:
    time.sleep(SECONDS)
    flush(file)


def fail_or_flush(file: IO[bytes]) -> None:
    """Fail as long as there is a file `failing` among the data."""
    if Path(settings.DATA_DIR, "failing").exists():
        raise OSError(errno.EIO, "Input/output error")
    flush(file)

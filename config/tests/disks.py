"""The server's worker over disks that no machine has at hand for tests: a slow one and one that fails."""

import errno
import time
from pathlib import Path

from django.conf import settings

from config import disk, worker

SECONDS = 0.5
flush = disk.flush


class Slow(worker.Worker):
    def init_process(self) -> None:
        disk.flush = self.flush
        super().init_process()

    @staticmethod
    def flush(file: int) -> None:
        time.sleep(SECONDS)
        flush(file)


class Failing(worker.Worker):
    """Its disk fails as long as there is a file `failing` among the data."""

    def init_process(self) -> None:
        disk.flush = self.flush
        super().init_process()

    @staticmethod
    def flush(file: int) -> None:
        if Path(settings.DATA_DIR, "failing").exists():
            raise OSError(errno.EIO, "Input/output error")
        flush(file)

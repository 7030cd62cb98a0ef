"""The service's worker on disks that no machine has at hand for tests: a slow one and one that fails."""

import errno
import time
from pathlib import Path

from django.conf import settings

from common.db import group_commit
from operations.gunicorn_app import ServiceWorker

SECONDS = 0.5
flush = group_commit.flush


class Slow(ServiceWorker):
    def init_process(self) -> None:
        group_commit.flush = flush_slowly
        super().init_process()


class Failing(ServiceWorker):
    def init_process(self) -> None:
        group_commit.flush = fail_once_or_flush
        super().init_process()


def flush_slowly(descriptor: int) -> None:
    time.sleep(SECONDS)
    flush(descriptor)


def fail_once_or_flush(descriptor: int) -> None:
    """Fail if there is a file `failing` among the data, but only once: so does the kernel."""
    try:
        Path(settings.DATA_DIR, "failing").unlink()
    except FileNotFoundError:
        return flush(descriptor)
    raise OSError(errno.EIO, "Input/output error")

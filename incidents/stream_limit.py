"""How many long responses a user may have under way at the same time, over all processes of this machine."""

import fcntl
import os
from collections.abc import Iterable
from typing import Any, TextIO

from django.conf import settings
from django.http import StreamingHttpResponse

MAX_EXPORTS = 2
MAX_WHOLE_LISTS = 4


class LimitedResponse(StreamingHttpResponse):
    """A stream with a lock of `acquire`, which it gives back when it is closed."""

    def __init__(self, pieces: Iterable[bytes], lock: TextIO | None, **options: Any) -> None:
        super().__init__(pieces, **options)
        self.lock = lock

    def close(self) -> None:
        super().close()
        if self.lock is not None:
            self.lock.close()


def acquire(kind: str, user_id: int, limit: int) -> TextIO | None:
    """Return an open file that holds one of the user's locks until it is closed; None if all are held.

    The lock ends with its process, too.
    """
    folder = settings.DATA_DIR / ".exports"
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(limit):
        descriptor = os.open(
            folder / f"{kind}.{user_id}.{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            return file
    return None

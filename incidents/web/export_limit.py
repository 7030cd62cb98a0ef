"""How many exports a user may have under way at the same time, over all processes of this machine."""

import fcntl
import os
from typing import TextIO

from django.conf import settings

MAX_EXPORTS = 2


def acquire(user_id: int) -> TextIO | None:
    """Return an open file that holds one of the user's locks until it is closed; None if all are held.

    The lock ends with its process, too.
    """
    folder = settings.DATA_DIR / ".exports"
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(MAX_EXPORTS):
        descriptor = os.open(
            folder / f"{user_id}.{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        file = os.fdopen(descriptor, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            return file
    return None

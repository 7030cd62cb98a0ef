"""The secret key that is kept in the data folder where SECRET_KEY gives none."""

import contextlib
import os
import secrets
from pathlib import Path

NAME = "secret_key"


def generate() -> str:
    return secrets.token_urlsafe(48)


def read(folder: Path) -> str:
    """Return the key kept in `folder`, "" where there is none."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return (folder / NAME).read_text(encoding="ascii").strip()
    return ""


def keep(key: str, folder: Path) -> str:
    """Keep `key` in `folder` (mode 0600), unless one is kept there already; return the one that is kept."""
    draft = folder / f".{NAME}.{os.getpid()}.{secrets.token_hex(4)}"
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key)
        # A link is all or nothing: of two first starts at once, one key wins, whole.
        with contextlib.suppress(FileExistsError):
            (folder / NAME).hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)
    return read(folder)

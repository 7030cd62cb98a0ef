"""Files that must be whole and must be on the disk."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

DRAFT = ".draft"


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give the path of an empty file, its owner's alone, that becomes `path` when the block ends well.

    A power cut leaves either what was at `path` before or the whole new file; a failed block leaves nothing.
    """
    draft = path.with_name(path.name + DRAFT)
    draft.unlink(missing_ok=True)
    # O_EXCL follows no symbolic link either, which somebody may have put into a folder that is shared.
    os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        yield draft
        sync(draft)
        draft.replace(path)
        sync(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Have the file or folder written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

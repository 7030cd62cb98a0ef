"""An archive: a JSON Lines file to which incidents are added before they are deleted."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from common import files
from incidents.models import Incident
from incidents.transfer import jsonl, reader
from incidents.transfer.users import Names


class Archive:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.names = Names()

    def add(self, ids: list[int]) -> None:
        """Add the incidents with their history; when this returns they are on the disk."""
        chunk = reader.read(Incident.objects.filter(id__in=ids).order_by("id"), with_events=True)
        self.file.write(jsonl.written(chunk, self.names))
        self.file.flush()
        os.fsync(self.file.fileno())


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open the archive at `path`, new or not, its owner's alone."""
    path.touch(mode=0o600)
    files.sync(path.absolute().parent)
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) is not None and file.read() != b"\n":
            # What a power cut left half written was not deleted; the next record begins its own line.
            file.write(b"\n")
        yield Archive(file)

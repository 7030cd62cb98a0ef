"""An archive: a JSON Lines file to which incidents are added before they are deleted."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from common import files
from incidents.models import Incident
from incidents.transfer import jsonl, reader
from incidents.transfer.users import UsernameCache


class Archive:
    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.usernames = UsernameCache()

    def add(self, ids: list[int]) -> None:
        """Add the incidents with their history and wait until they are on the disk."""
        chunk = reader.read(Incident.objects.filter(id__in=ids).order_by("id"), with_events=True)
        self.file.write(jsonl.encode(chunk, self.usernames))
        self.file.flush()
        os.fsync(self.file.fileno())


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open the archive at `path`, or create it, readable by its owner only."""
    path.touch(mode=0o600)
    files.sync(path.absolute().parent)
    with path.open("r+b") as file:
        if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) is not None and file.read() != b"\n":
            # A record that a power cut left half written was not deleted; the next one begins its own line.
            file.write(b"\n")
        yield Archive(file)

"""The formats by name, and reading a file line by line."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import BinaryIO

from common.progress import Progress
from incidents.transfer import csv, jsonl
from incidents.transfer.record import InvalidRecord

FORMATS: dict[str, ModuleType] = {"jsonl": jsonl, "csv": csv}
# An incident with 10,000 comments of 2,000 emoji, which the service allows, is 81 MB.
MAX_LINE_BYTES = 128 * 1024 * 1024
STREAM = "-"


def add_arguments(parser: ArgumentParser, *, file_help: str) -> None:
    parser.add_argument("file", nargs="?", default=STREAM, help=file_help)
    parser.add_argument("--format", choices=FORMATS, help="default: csv for a FILE.csv, else jsonl")


def choose(name: str | None, file: str) -> ModuleType:
    return FORMATS[name or ("csv" if Path(file).suffix.lower() == ".csv" else "jsonl")]


def lines(file: BinaryIO, progress: Progress) -> Iterator[bytes]:
    """Yield the lines with their ends and count their bytes. Raises `InvalidRecord` for an endless one."""
    while line := file.readline(MAX_LINE_BYTES):
        if len(line) == MAX_LINE_BYTES:
            raise InvalidRecord(f"there is a line of more than {MAX_LINE_BYTES:,} bytes")
        progress.add(len(line))
        yield line

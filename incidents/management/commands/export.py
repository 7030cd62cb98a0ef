"""`manage.py export`: incidents into a file."""

import contextlib
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from common import datetimes, files
from common.progress import Progress
from incidents.models import Source, Status
from incidents.queries import IncidentQuery
from incidents.transfer import formats, reader
from incidents.transfer.users import UsernameCache


def timestamp(text: str) -> datetime:
    try:
        return datetimes.parse_local(text, timezone.get_current_timezone())
    except ValueError:
        raise ArgumentTypeError(f"write {text!r} as 2025-11-11 or 2025-11-11T23:08:12+03:00") from None


class Command(BaseCommand):
    help = "Write incidents, oldest first, into a file: JSON Lines with the history, or CSV for spreadsheets."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        formats.add_arguments(parser, file_help="the file to write; - or none: the standard output")
        parser.add_argument("--status", choices=Status.values)
        parser.add_argument("--source", choices=Source.values)
        parser.add_argument("--since", type=timestamp, metavar="TIMESTAMP", help="created then or later")
        parser.add_argument("--until", type=timestamp, metavar="TIMESTAMP", help="created before it")

    def handle(self, *args: Any, **options: Any) -> None:
        query = IncidentQuery(
            statuses=frozenset({options["status"]}) if options["status"] else None,
            sources=frozenset({options["source"]}) if options["source"] else None,
            created_after=options["since"],
            created_before=options["until"],
        )
        try:
            with open_for_writing(options["file"]) as file:
                self.write(file, query, formats.choose(options["format"], options["file"]))
        except OSError as error:
            raise CommandError(f"{options['file']}: {error}") from error

    def write(self, file: BinaryIO, query: IncidentQuery, form: ModuleType) -> None:
        usernames = UsernameCache()
        with Progress("Export", query.count()) as progress:
            file.write(form.HEADER)
            for chunk in reader.chunks(query, with_events=form.WITH_EVENTS):
                file.write(form.encode(chunk, usernames))
                progress.add(len(chunk.rows))
        # The standard output may be the file itself.
        self.stderr.write(f"{progress.done:,} incidents exported, {progress.seconds:.1f} s")


@contextlib.contextmanager
def open_for_writing(path: str) -> Iterator[BinaryIO]:
    """Open a file that takes its place when it is complete, or the standard output."""
    if path == formats.STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with files.atomic_write(Path(path).absolute()) as draft, draft.open("wb") as file:
        yield file

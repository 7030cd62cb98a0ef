"""`manage.py import`: incidents from a file that `manage.py export`, or somebody else, wrote."""  # noqa: N999  # the command is called so

import contextlib
import sys
from argparse import ArgumentParser
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management import BaseCommand, CommandError

from common.progress import Progress
from incidents import bulk
from incidents.bulk import ImportedIncident, Outcome
from incidents.transfer import formats, record
from incidents.transfer.record import Broken, Fields
from incidents.transfer.users import People

BATCH = 1000

Numbered = tuple[int, Fields | Broken]


class Command(BaseCommand):
    help = (
        "Bring in incidents from a file. What is here already, by its id or idempotency key, stays as it is: "
        "an interrupted import is continued by running it again."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        formats.add_arguments(parser, file_help="the file to read; - or none: the standard input")
        parser.add_argument(
            "--skip-broken",
            action="store_true",
            help="report broken records and go on (default: stop at one)",
        )
        parser.add_argument(
            "--make-users", action="store_true", help="make users that are not here; they cannot log in"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        self.people = People(make=options["make_users"])
        self.tally: Counter[Outcome | type[Broken]] = Counter()
        form = formats.chosen(options["format"], options["file"])
        try:
            with opened(options["file"]) as file, progress_through(file) as progress:
                records = form.records(formats.lines(file, progress))
                while batch := list(islice(records, BATCH)):
                    self.import_batch(batch, skip_broken=options["skip_broken"])
        except (Broken, OSError) as error:
            raise CommandError(f"{options['file']}: {error}. {self.result()}.") from None
        self.stdout.write(f"{self.result()}, {progress.seconds:.1f} s")

    def import_batch(self, batch: Iterable[Numbered], *, skip_broken: bool) -> None:
        """Bring the batch in up to its first broken record, or all but the broken ones."""
        good: list[tuple[int, ImportedIncident]] = []
        faults: list[str] = []
        for number, fields in batch:
            try:
                good.append((number, self.read(number, fields)))
            except Broken as error:
                faults.append(f"line {number}: {error}")
                if not skip_broken:
                    break
        outcomes = bulk.import_batch([past for _number, past in good])
        self.tally.update(outcomes)
        faults += [
            f"line {number}: idempotency_key was used for another incident"
            for (number, _past), outcome in zip(good, outcomes, strict=True)
            if outcome is Outcome.KEY_REUSED
        ]
        self.report(faults, skip_broken=skip_broken)

    def read(self, number: int, fields: Fields | Broken) -> ImportedIncident:
        if isinstance(fields, Broken):
            raise fields
        return record.read(fields, number, self.people)

    def report(self, faults: list[str], *, skip_broken: bool) -> None:
        if faults and not skip_broken:
            raise Broken(faults[0])
        self.tally[Broken] += len(faults)
        for fault in faults:
            self.stderr.write(fault)

    def result(self) -> str:
        return (
            f"{self.tally[Outcome.IMPORTED]:,} incidents brought in, "
            f"{self.tally[Outcome.ALREADY_PRESENT]:,} were here already"
            + (f", {self.tally[Broken]:,} broken records skipped" if self.tally[Broken] else "")
        )


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    if path == formats.STREAM:
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as file:
            yield file


def progress_through(file: BinaryIO) -> Progress:
    """Count the bytes of the file; how many there are is not known of a pipe."""
    size = file.seek(0, 2) if file.seekable() else None
    if size is not None:
        file.seek(0)
    return Progress("Import", size, unit=" B")

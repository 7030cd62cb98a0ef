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
from incidents.transfer.record import Fields, InvalidRecord
from incidents.transfer.users import UserResolver

BATCH = 1000

REFUSALS = {
    Outcome.KEY_REUSED: "idempotency_key was used for another incident",
    Outcome.KEY_IS_ACTIVE: "another incident that is not finished has its dedup_key",
}

Numbered = tuple[int, Fields | InvalidRecord]


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
        self.users = UserResolver(create=options["make_users"])
        self.outcomes: Counter[Outcome | type[InvalidRecord]] = Counter()
        form = formats.choose(options["format"], options["file"])
        try:
            with open_for_reading(options["file"]) as file, byte_progress(file) as progress:
                records = form.decode(formats.lines(file, progress))
                while batch := list(islice(records, BATCH)):
                    self.import_batch(batch, skip_broken=options["skip_broken"])
        except (InvalidRecord, OSError) as error:
            raise CommandError(f"{options['file']}: {error}. {self.result()}.") from None
        self.stdout.write(f"{self.result()}, {progress.seconds:.1f} s")

    def import_batch(self, batch: Iterable[Numbered], *, skip_broken: bool) -> None:
        """Import the batch up to its first invalid record, or all but the invalid ones."""
        valid: list[tuple[int, ImportedIncident]] = []
        errors: list[str] = []
        for number, fields in batch:
            try:
                valid.append((number, self.read(number, fields)))
            except InvalidRecord as error:
                errors.append(f"line {number}: {error}")
                if not skip_broken:
                    break
        outcomes = bulk.import_batch([past for _number, past in valid])
        self.outcomes.update(outcomes)
        errors += [
            f"line {number}: {REFUSALS[outcome]}"
            for (number, _past), outcome in zip(valid, outcomes, strict=True)
            if outcome in REFUSALS
        ]
        self.report(errors, skip_broken=skip_broken)

    def read(self, number: int, fields: Fields | InvalidRecord) -> ImportedIncident:
        if isinstance(fields, InvalidRecord):
            raise fields
        return record.read(fields, number, self.users)

    def report(self, errors: list[str], *, skip_broken: bool) -> None:
        if errors and not skip_broken:
            raise InvalidRecord(errors[0])
        self.outcomes[InvalidRecord] += len(errors)
        for error in errors:
            self.stderr.write(error)

    def result(self) -> str:
        skipped = self.outcomes[InvalidRecord]
        return (
            f"{self.outcomes[Outcome.IMPORTED]:,} incidents brought in, "
            f"{self.outcomes[Outcome.ALREADY_PRESENT]:,} were here already"
            + (f", {skipped:,} broken records skipped" if skipped else "")
        )


@contextlib.contextmanager
def open_for_reading(path: str) -> Iterator[BinaryIO]:
    if path == formats.STREAM:
        yield sys.stdin.buffer
    else:
        with Path(path).open("rb") as file:
            yield file


def byte_progress(file: BinaryIO) -> Progress:
    """Return a progress over the bytes of the file; a pipe has no total."""
    size = file.seek(0, 2) if file.seekable() else None
    if size is not None:
        file.seek(0)
    return Progress("Import", size, unit=" B")

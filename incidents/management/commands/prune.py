"""`manage.py prune`: delete incidents that are long over, with their history."""

import contextlib
import time
from argparse import ArgumentParser
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from common.progress import Progress
from incidents import bulk
from incidents.models import ACTIVE, FINISHED, Incident, Status
from incidents.statistics import buckets
from incidents.transfer import archive
from incidents.transfer.archive import Archive

BATCH = 500
MAX_AGE_DAYS = 100 * 365
MAY_BE_PRUNED = [status.value for status in Status if status not in ACTIVE]


class Command(BaseCommand):
    help = (
        "Delete incidents that are finished and to which nothing has happened for some days, with their "
        "history. The database file does not shrink: the space is used again."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--older-than", type=int, required=True, metavar="DAYS")
        parser.add_argument(
            "--statuses",
            nargs="+",
            choices=MAY_BE_PRUNED,
            default=FINISHED,
            help=f"which count as finished (default: {' '.join(FINISHED)})",
        )
        parser.add_argument("--dry-run", action="store_true", help="only say how many they are")
        parser.add_argument(
            "--archive",
            type=Path,
            metavar="FILE.jsonl",
            help="append them to this file before they are deleted",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not 1 <= options["older_than"] <= MAX_AGE_DAYS:
            raise CommandError(f"--older-than must be from 1 to {MAX_AGE_DAYS} days")
        before = timezone.now() - timedelta(days=options["older_than"])
        statuses = options["statuses"]
        count = Incident.objects.filter(status__in=statuses, updated_at__lt=before).count()
        if options["dry_run"]:
            self.stdout.write(f"{count:,} incidents would be deleted")
            return
        kept = archive.open_archive(options["archive"]) if options["archive"] else contextlib.nullcontext()
        try:
            with kept as target:
                self.prune(Progress("Prune", count), batches(before, statuses), before, target)
        except OSError as error:
            raise CommandError(f"{options['archive']}: {error}") from error
        except buckets.WriterNotFinished as error:
            raise CommandError(str(error)) from None

    def prune(
        self, progress: Progress, found: Iterable[list[int]], before: datetime, target: Archive | None
    ) -> None:
        with progress:
            for ids in filter(None, found):
                # An imported incident that is deleted before its events are counted would never be counted.
                buckets.catch_up_throttled()
                if target:
                    target.add(ids)
                started = time.monotonic()
                progress.add(bulk.delete_batch(ids, unchanged_since=before))
                # Leave at least half of the time to other writers.
                time.sleep(time.monotonic() - started)
        self.stdout.write(f"{progress.done:,} incidents deleted, {progress.seconds:.1f} s")


def batches(before: datetime, statuses: Collection[str]) -> Iterator[list[int]]:
    """Yield batches of ids by `updated_at`, each batch after the last row of the one before."""
    # With a condition on the status SQLite would choose its index, and sort all of it for each batch.
    incidents = Incident.objects.filter(updated_at__lt=before).order_by("updated_at", "id")
    rest = incidents.values_list("id", "updated_at", "status")
    found = list(rest[:BATCH])
    while found:
        yield [pk for pk, _updated_at, status in found if status in statuses]
        pk, updated_at, _status = found[-1]
        behind = rest.filter(updated_at__gte=updated_at).filter(Q(updated_at__gt=updated_at) | Q(id__gt=pk))
        found = list(behind[:BATCH])

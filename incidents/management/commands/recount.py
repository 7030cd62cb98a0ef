"""`manage.py recount`: the statistics and the numbers of incidents anew, from what is here."""

from typing import Any

from django.core.management import BaseCommand, CommandError

from common.progress import Progress
from incidents.counts import totals
from incidents.feed import settled
from incidents.statistics import buckets


class Command(BaseCommand):
    help = (
        "Count the incidents and their statistics anew from what is here, as after an import of what `prune` "
        "had archived. What was pruned and is not brought back is then missing from the statistics."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        totals.recount()
        try:
            with Progress("Recount", settled.newest_event_id()) as progress:
                buckets.recount(progress.set)
        except buckets.WriterNotFinished as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"incidents and statistics are counted anew, {progress.seconds:.1f} s")

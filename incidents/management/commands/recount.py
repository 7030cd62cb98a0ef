"""`manage.py recount`: the statistics and the numbers of incidents anew, from what is here."""

from typing import Any

from django.core.management import BaseCommand

from config.progress import Progress
from incidents import counts
from incidents.statistics import slots


class Command(BaseCommand):
    help = (
        "Count the incidents and their statistics anew from what is here, as after an import of what `prune` "
        "had archived. What was pruned and is not brought back is then missing from the statistics."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        counts.count_anew()
        with Progress("Recount", slots.newest_event()) as progress:
            slots.count_anew(progress.set)
        self.stdout.write(f"incidents and statistics are counted anew, {progress.seconds:.1f} s")

"""`manage.py recount`: the statistics anew, from the events that are here."""

from typing import Any

from django.core.management import BaseCommand

from config.progress import Progress
from incidents.statistics import slots


class Command(BaseCommand):
    help = (
        "Count the statistics anew from the incidents that are here, as after an import of what `prune` had "
        "archived. What was pruned and is not brought back is then missing from the statistics."
    )
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with Progress("Recount", slots.newest_event()) as progress:
            slots.count_anew(progress.set)
        self.stdout.write(f"the statistics are counted anew, {progress.seconds:.1f} s")

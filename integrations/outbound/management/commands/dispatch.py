"""`manage.py dispatch`: deliver events to destinations, where web workers and dispatcher are apart."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from common import metrics
from integrations.outbound.dispatcher import run_until_signalled


class Command(BaseCommand):
    help = (
        "Deliver events to the destinations until it is told to stop. `manage.py serve` does so by itself,"
        " unless DISPATCHER=false; several dispatchers share the work."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.METRICS_TOKEN:
            metrics.enable(settings.DATA_DIR / metrics.FOLDER)
        self.stdout.write("Delivering, Ctrl-C ends it.")
        run_until_signalled()

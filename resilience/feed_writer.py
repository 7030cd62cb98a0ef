"""A writer of `python -m resilience feed`: `python -m resilience.feed_writer NUMBER SECONDS`.

Number 0 keeps each transaction open for a while after it has its event's id, number 1 rolls each back.
Prints the ids of its incidents, and when each was committed.
"""

import os
import sys
import time

SLOW_SECONDS = 0.05


def main(number: int, seconds: float) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    from django.db import transaction

    from incidents import services
    from incidents.models import Event, Source, Status
    from incidents.services import NewIncident, Origin

    origin = Origin(None, Event.Channel.COMMAND)
    new = NewIncident("Самокат", Source.OPERATOR)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with transaction.atomic():
            created = services.create(new, origin)
            if number == 0:
                time.sleep(SLOW_SECONDS)
            if number == 1:
                transaction.set_rollback(True)
        if number != 1:
            print(created.id, time.time())
        if number > 1:
            services.change(created.id, origin, status=Status.CLOSED)


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))

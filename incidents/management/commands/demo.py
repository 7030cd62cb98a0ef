"""`make demo`: a service with incidents that go on, on a throw-away database."""

import contextlib
import logging
import os
import random
import secrets
import time
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import OperationalError, connection
from django.utils import timezone

from common.db import setup
from common.http import hosts
from incidents.demo import logins
from incidents.demo.story import Story
from incidents.services import IncidentError
from users.models import User
from users.roles import Role

USERS = {
    "operator": Role.OPERATOR,
    "dispatcher": Role.OPERATOR,
    "viewer": Role.VIEWER,
    "monitoring": Role.REPORTER,
    "partner": Role.REPORTER,
    "prometheus": Role.REPORTER,
}
LOGINS = ("operator", "dispatcher", "viewer", "admin")
SECONDS_BETWEEN_EVENTS = (6, 18)

GREETING = """
A month of a scooter fleet's incidents is ready. Open

    {url}/

and log in:  {names}
password:    {password}

Something happens every few seconds. Ctrl-C ends it and throws the database away.
"""


class Command(BaseCommand):
    help = "Fill an empty database with a month of a scooter fleet's incidents and serve it (see make demo)."
    # Some checks ask the database, which has to be set up first; `serve` runs them all.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        with setup.exclusive_setup():
            call_command("migrate", interactive=False, verbosity=0)
            if User.objects.exists():
                raise CommandError("This database is in use. `make demo` gives the demo one of its own.")
            password = secrets.token_hex(4)  # one that is typed without trouble
            story = Story(self.create_users(password), timezone.localtime())
            story.import_month()
        self.stdout.write(
            GREETING.format(
                url=hosts.url_on_this_machine(settings.HOST, settings.PORT),
                names=", ".join(LOGINS),
                password=password,
            )
        )
        self.stdout.flush()
        self.fork_simulation(story)
        logins.offered.update(dict.fromkeys(LOGINS, password))
        # The lines of requests would push the greeting off the screen.
        logging.getLogger("requests").setLevel(logging.WARNING)
        call_command("serve")

    def create_users(self, password: str) -> dict[str, User]:
        admin = User.objects.create_superuser("admin", "admin@example.com", password)
        return {
            name: User.objects.create(username=name, role=role, password=admin.password)
            for name, role in USERS.items()
        }

    def fork_simulation(self, story: Story) -> None:
        """Add events in a process of its own until this one, which becomes the service, ends."""
        connection.close()
        service = os.getpid()
        if os.fork():
            return
        try:
            while os.getppid() == service:
                with contextlib.suppress(IncidentError, OperationalError):
                    story.add_event()
                time.sleep(random.uniform(*SECONDS_BETWEEN_EVENTS))  # noqa: S311
        except KeyboardInterrupt:
            pass
        finally:
            os._exit(0)  # The child must not become a second service.

"""`manage.py serve`: one command from nothing to a running service."""

import secrets
import socket
import sys
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command
from django.db import Error

from common import locks, secret_key
from common.db import setup
from common.http import hosts, version
from operations import metrics
from operations.gunicorn_app import Server
from users.models import User

FIRST_START = """
The superuser {username} was made. The password is shown this once:

    {password}

Next, in another shell:  python3 client.py demo
The operators' page:     {url}/   (/admin/ and /api/docs/ are there too)
"""


class Command(BaseCommand):
    help = "Prepare the database and the superuser at the first run, then serve with gunicorn."
    # Some checks query the database, which may not exist yet: they run after the migrations.
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        self.check_address()
        self.prepare_folder()
        metrics.enable(is_start=True)
        try:
            with setup.exclusive_setup(), setup.single_transaction():
                version.database()  # /healthz tells it, and asks no database itself.
                call_command("migrate", interactive=False, verbosity=0)
                self.check()
                self.make_first_superuser()
        except Error as error:
            sys.exit(f"The database cannot be used: {error}")
        Server().run()

    def check_address(self) -> None:
        try:
            socket.getaddrinfo(settings.HOST, settings.PORT, flags=socket.AI_PASSIVE)
        except OSError as error:
            raise CommandError(
                f"Setting HOST is wrong: {settings.HOST!r} is no address here: {error}"
            ) from None

    def prepare_folder(self) -> None:
        """Make the data folder, its owner's alone, and keep the key there; tell that the service runs."""
        folder = settings.DATA_DIR
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            locks.hold_running_lock(folder)
            if settings.SECRET_KEY_IS_TEMPORARY:
                settings.SECRET_KEY = secret_key.keep(settings.SECRET_KEY, folder)
                settings.SECRET_KEY_IS_TEMPORARY = False
        except OSError as error:
            raise CommandError(f"Setting DATA_DIR is wrong: cannot write to {folder}: {error}") from None

    def make_first_superuser(self) -> None:
        """Make the superuser of a database without users, and show a password that was generated."""
        if User.objects.exists():
            return
        generated = "" if settings.ADMIN_PASSWORD else secrets.token_urlsafe(15)
        password = settings.ADMIN_PASSWORD or generated
        User.objects.create_superuser(settings.ADMIN_USERNAME, settings.ADMIN_EMAIL, password)
        if generated:
            # Before the commit: with a password that was stored but never shown nobody could log in.
            url = hosts.url_on_this_machine(settings.HOST, settings.PORT)
            self.stdout.write(
                FIRST_START.format(username=settings.ADMIN_USERNAME, password=generated, url=url)
            )
            self.stdout.flush()

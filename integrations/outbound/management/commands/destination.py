"""`manage.py destination`: who is told of events, for automation."""

import json
import sys
from argparse import ArgumentParser, Namespace
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError
from django.utils import timezone

from integrations.outbound import destinations
from integrations.outbound.models import Destination, Transport
from users.models import User


class Command(BaseCommand):
    help = "Add, list, test, disable, enable, rotate or resend: the destinations that are told of events."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        add = actions.add_parser("add", help="tell one more; prints a webhook's secret, this once")
        add.add_argument("transport", choices=Transport.values)
        add.add_argument("name")
        add.add_argument("address", help="a URL, mail addresses, or the id of a chat")
        add.add_argument("--secret-file", type=Path, help="a bot's token, Apprise's URL; - is standard input")
        for name, choices in destinations.CHOICES.items():
            add.add_argument(f"--{name}", default="", metavar="A,B", help=", ".join(choices.values))
        add.add_argument("--except-by", metavar="USER", help="not what this user does, so that nothing loops")
        add.add_argument("--delay", type=int, default=0, metavar="MINUTES", help="only if it is open by then")
        add.add_argument("--json", action="store_true")
        actions.add_parser("list", help="show all, and what waits")
        for action, text in (
            ("test", "send a test now and show the response"),
            ("disable", "deliver nothing more"),
            ("enable", "deliver what happens from now on"),
            ("rotate", "make a new webhook secret; the old one is valid for 24 h more"),
            ("resend", "deliver again what failed in the last days"),
        ):
            one = actions.add_parser(action, help=text)
            one.add_argument("name")
            if action == "resend":
                one.add_argument("--days", type=int, default=14)

    def handle(self, *args: Any, **options: Any) -> None:
        given = Namespace(**options)
        if given.action == "add":
            self.add(given)
        elif given.action == "list":
            self.list()
        else:
            try:
                destination = Destination.objects.get(name=given.name)
            except Destination.DoesNotExist:
                raise CommandError(f"There is no destination {given.name!r}") from None
            getattr(self, given.action)(destination, given)

    def add(self, given: Namespace) -> None:
        chosen = {name: self.values(getattr(given, name)) for name in destinations.CHOICES}
        try:
            destination, secret = destinations.add(
                name=given.name,
                transport=Transport(given.transport),
                address=given.address,
                secret=self.read_secret(given.secret_file),
                delay_minutes=given.delay,
                skipped_user=self.user(given.except_by),
                **chosen,
            )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if given.json:
            self.stdout.write(json.dumps({"id": destination.pk, "secret": secret}))
            return
        self.stdout.write(f"Destination {destination.name} is told of what happens from now on.")
        if secret:
            self.stdout.write(f"Its secret, shown this once: {secret}")

    @staticmethod
    def values(text: str) -> list[str]:
        return [value.strip() for value in text.split(",") if value.strip()]

    @staticmethod
    def user(name: str | None) -> User | None:
        found = User.objects.filter(username=name).first() if name else None
        if name and found is None:
            raise CommandError(f"There is no user {name!r}")
        return found

    @staticmethod
    def read_secret(path: Path | None) -> str:
        if path is None:
            return ""
        return (sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")).strip()

    def list(self) -> None:
        for one in Destination.objects.order_by("name"):
            state = "enabled" if one.enabled else f"disabled {one.disabled_because}".strip()
            waiting, dead = destinations.backlog(one)
            self.stdout.write(f"{one.name}\t{one.transport}\t{state}\t{waiting} waiting\t{dead} given up")

    def test(self, destination: Destination, _given: Namespace) -> None:
        outcome = destinations.test(destination)
        said = " ".join(filter(None, (str(outcome.status or ""), outcome.reason)))
        if not outcome.success:
            raise CommandError(f"The test failed: {said}")
        self.stdout.write(f"The test arrived. {said}".strip())

    def disable(self, destination: Destination, _given: Namespace) -> None:
        destinations.disable(destination)
        self.stdout.write("disabled")

    def enable(self, destination: Destination, _given: Namespace) -> None:
        destinations.enable(destination)
        self.stdout.write("enabled: it is told of what happens from now on")

    def rotate(self, destination: Destination, _given: Namespace) -> None:
        if destination.transport != Transport.WEBHOOK:
            raise CommandError("only a webhook's secret is made here")
        self.stdout.write(destinations.rotate(destination))

    def resend(self, destination: Destination, given: Namespace) -> None:
        count = destinations.resend_failed(destination, timezone.now() - timedelta(days=given.days))
        self.stdout.write(f"{count} deliveries are sent again")

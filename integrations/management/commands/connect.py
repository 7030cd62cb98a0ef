"""`manage.py connect`: make, rotate or switch off the connection of a monitoring system."""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError
from django.core.management.base import no_translations

from common.http.hosts import url_on_this_machine
from incidents.models import Source
from integrations import services
from integrations.models import Grouping, Integration, Kind
from integrations.services import ConnectionProblem
from integrations.setup_texts import setup_texts


class Command(BaseCommand):
    help = (
        "Connect a monitoring system: prints its token, which is shown this once, and what to paste there. "
        "With --rotate, --disable or --enable the connection of this name and kind is changed instead."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", choices=Kind.values, metavar="KIND", help=", ".join(Kind.values))
        parser.add_argument("name", metavar="NAME", help="as it appears in the histories of incidents")
        parser.add_argument("--source", choices=Source.values, help="of its incidents, by default monitoring")
        parser.add_argument(
            "--group",
            action="store_true",
            help="one incident for each group of alerts (Alertmanager, Grafana) instead of each alert",
        )
        parser.add_argument("--json", action="store_true", help='print {"url", "token"} alone')
        change = parser.add_mutually_exclusive_group()
        change.add_argument(
            "--rotate", action="store_true", help="make a new token; the old one is valid for 24 hours more"
        )
        change.add_argument("--disable", action="store_true", help="refuse its posts from now on")
        change.add_argument("--enable", action="store_true", help="accept its posts again")

    @no_translations
    def handle(self, *args: Any, **options: Any) -> None:
        kind, name, as_json = Kind(options["kind"]), options["name"], options["json"]
        if options["disable"] or options["enable"]:
            integration = existing(kind, name)
            integration.enabled = options["enable"]
            services.save(integration)
            state = "on" if options["enable"] else "off"
            self.stdout.write(
                json.dumps({"enabled": integration.enabled}) if as_json else f"{name} is switched {state}"
            )
        elif options["rotate"]:
            self.show(kind, services.rotate(existing(kind, name)), as_json=as_json)
        else:
            integration = Integration(
                name=name,
                kind=kind,
                source=options["source"] or Source.MONITORING,
                grouping=Grouping.GROUP if options["group"] else Grouping.ALERT,
            )
            try:
                self.show(kind, services.connect(integration), as_json=as_json)
            except ConnectionProblem as error:
                raise CommandError(str(error)) from None

    def show(self, kind: Kind, token: str, *, as_json: bool) -> None:
        url = f"{base_url()}/hooks/{kind.value}/"
        if as_json:
            self.stdout.write(json.dumps({"url": url, "token": token}))
            return
        self.stdout.write(f"URL:    {url}\nToken:  {token}   (shown this once)")
        for text in setup_texts(kind, base_url(), token):
            self.stdout.write(f"\n# {text.place}\n\n{text.text}")


def existing(kind: Kind, name: str) -> Integration:
    try:
        return Integration.objects.get(kind=kind, name=name)
    except Integration.DoesNotExist:
        raise CommandError(
            f"There is no connection of the kind {kind.value} with the name {name!r}."
        ) from None


def base_url() -> str:
    """Return where the service is reached: by its first listed name, or on this machine."""
    if not settings.HOST_NAMES:
        return url_on_this_machine(settings.HOST, settings.PORT)
    scheme, port = ("https", "") if settings.HTTPS else ("http", f":{settings.PORT}")
    return f"{scheme}://{settings.HOST_NAMES[0].lstrip('.')}{port}"

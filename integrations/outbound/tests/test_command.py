"""`manage.py destination`: for automation."""

import json
from io import StringIO
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from integrations.outbound.models import Destination
from testing.receiver import Answer, listening
from users.models import User

pytestmark = pytest.mark.django_db


def run(*arguments: Any) -> str:
    out = StringIO()
    call_command("destination", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_a_webhook_is_added_and_its_secret_printed_once() -> None:
    made = json.loads(
        run("add", "webhook", "hook", "https://example.com/", "--kinds=created", "--delay=5", "--json")
    )
    destination = Destination.objects.get()
    assert (made["id"], made["secret"]) == (destination.pk, destination.secret)
    assert (destination.kinds, destination.delay_minutes) == (["created"], 5)
    assert made["secret"] not in run("list")


def test_a_destination_skips_what_a_user_does(olga: User) -> None:
    run("add", "webhook", "hook", "https://example.com/", "--except-by=olga")
    assert Destination.objects.get().skipped_user == olga


def test_a_token_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("123:abc\n")
    run("add", "telegram", "chat", "-100", f"--secret-file={tmp_path / 'token'}")
    assert Destination.objects.get().secret == "123:abc"


def test_a_rotation_prints_the_new_secret() -> None:
    run("add", "webhook", "hook", "https://example.com/")
    before = Destination.objects.get().secret
    printed = run("rotate", "hook").strip()
    assert printed == Destination.objects.get().secret != before


def test_a_test_prints_what_the_receiver_said(settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with listening() as receiver:
        run("add", "webhook", "hook", receiver.url)
        assert run("test", "hook").strip() == "The test arrived. 204"
        receiver.answer = lambda _received: Answer(500, {}, b"broken")
        with pytest.raises(CommandError, match="500 broken"):
            run("test", "hook")


def test_disabling_and_enabling() -> None:
    run("add", "webhook", "hook", "https://example.com/")
    run("disable", "hook")
    assert not Destination.objects.get().enabled
    assert "disabled" in run("list")
    run("enable", "hook")
    assert Destination.objects.get().enabled
    assert run("resend", "hook").strip() == "0 deliveries are sent again"


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "webhook", "hook", "nonsense"),
        ("add", "telegram", "chat", "1"),
        ("add", "webhook", "hook", "https://example.com/", "--kinds=unknown"),
        ("add", "webhook", "hook", "https://example.com/", "--except-by=nobody"),
        ("test", "nothing"),
        ("rotate", "nothing"),
    ],
)
def test_what_is_wrong_is_said(arguments: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run(*arguments)


def test_a_name_is_taken_once() -> None:
    run("add", "webhook", "hook", "https://example.com/")
    with pytest.raises(CommandError):
        run("add", "webhook", "hook", "https://example.com/2")

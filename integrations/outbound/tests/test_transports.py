"""The transports, each against a real server that speaks its protocol."""

import json
import smtplib
from collections.abc import Iterator
from datetime import time as clock
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Mail
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from django.core.exceptions import ValidationError
from django.test import override_settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from common.tests.test_guarded_client import proxy_to
from config import mail as mail_settings
from config.env import WrongSetting
from incidents import services
from incidents.models import Event, Source, Status
from incidents.services import NewIncident, Origin
from integrations.outbound import destinations
from integrations.outbound.models import Attempt, Delivery, Destination, Thread, Transport
from integrations.outbound.quiet_hours import quiet_until
from integrations.outbound.tests.test_dispatcher import dispatch, due_now
from integrations.outbound.transports import telegram, webhook
from testing.receiver import Answer, Received, Receiver, listening
from testing.service import free_port

ORIGIN = Origin(None, Event.Channel.COMMAND)
TOKEN = "123456:AAsecretsecret"


def report(text: str = "Самокат не в сети", source: Source = Source.OPERATOR) -> int:
    return services.create(NewIncident(text, source), ORIGIN).id


# ------------------------------------------------------------------ webhooks


def test_the_signature_is_that_of_the_published_test_vector() -> None:
    body = b'{"test": 2432232314}'
    signature = webhook.signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


# ------------------------------------------------------------------ Telegram and MAX


@pytest.fixture
def api(settings: Any) -> Iterator[Receiver]:
    """Telegram's and MAX's API in one: messages get numbers from 100 on."""
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.PUBLIC_URL = "https://incidents.example"
    with listening() as receiver:
        settings.TELEGRAM_API_URL = settings.MAX_API_URL = receiver.url

        def sent(_received: Received) -> Answer:
            result = {"ok": True, "result": {"message_id": 99 + len(receiver.received)}}
            return Answer(200, {}, json.dumps(result).encode())

        receiver.answer = sent
        yield receiver


@pytest.fixture
def chat(db: None) -> Destination:
    return destinations.add(
        name="смена", transport=Transport.TELEGRAM, address="-100", secret=TOKEN, language="ru"
    )[0]


def texts(api: Receiver) -> list[str]:
    return [json.loads(received.body)["text"] for received in api.received]


def test_telegram_gets_one_message_an_incident_and_replies_to_it(api: Receiver, chat: Destination) -> None:
    one = report("Самокат <b>горит</b> & дымит")
    dispatch()
    services.change(one, ORIGIN, status=Status.RESOLVED, comment="Потушен")
    dispatch()
    first, second = (json.loads(received.body) for received in api.received)
    assert api.received[0].path == f"/bot{TOKEN}/sendMessage"
    assert first["chat_id"] == "-100"
    assert "Самокат <b>горит</b> & дымит" in first["text"]
    assert "parse_mode" not in first
    assert f"https://incidents.example/incident/{one}/" in first["text"]
    assert second["reply_parameters"]["message_id"] == 100
    assert "Открыт → Решен" in second["text"] or "Открыт → Решён" in second["text"]
    assert "Потушен" in second["text"]


def test_a_long_text_is_cut_at_a_character_and_not_refused(api: Receiver, chat: Destination) -> None:
    report("🛴" * 9_000)
    dispatch()
    [text] = texts(api)
    assert len(text.encode("utf-16-le")) // 2 <= 4096
    assert telegram.cut("🛴" * 3000).endswith("…")
    assert telegram.cut("а" * 4096) == "а" * 4096


def test_too_many_requests_are_waited_for(api: Receiver, chat: Destination) -> None:
    body = {"ok": False, "error_code": 429, "description": "Too Many", "parameters": {"retry_after": 120}}
    api.answer = lambda _received: Answer(429, {}, json.dumps(body).encode())
    report()
    dispatch()
    assert Delivery.objects.get().next_at > timezone.now() + timedelta(seconds=110)


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "a\0b\ud83d\x1b[31m" + "x" * 5000},
        {"description": ["x"]},
        {"parameters": {"retry_after": 10**18}},
        {"parameters": {"retry_after": -1}},
        {"parameters": {"migrate_to_chat_id": "a\0b"}},
        {"parameters": {"migrate_to_chat_id": "x" * 5000}},
    ],
)
def test_an_odd_response_of_the_messenger_is_a_failure_like_others(
    api: Receiver, chat: Destination, fields: dict[str, Any]
) -> None:
    api.answer = lambda _received: Answer(400, {}, json.dumps({"ok": False} | fields).encode())
    report()
    dispatch()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert delivery.reason.isprintable()
    assert timezone.now() < delivery.next_at < timezone.now() + timedelta(days=1)
    chat.refresh_from_db()
    assert chat.address == "-100"


def test_an_odd_reply_of_a_mail_server_is_a_failure_like_others(
    db: None, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: Any, **_more: Any) -> None:
        raise smtplib.SMTPSenderRefused(550, b"a\0b\xff\n" * 1000, "incidents@example.com")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    settings.EMAIL_URL = "smtp+plain://127.0.0.1:1"
    destinations.add(name="mail", transport=Transport.EMAIL, address="olga@example.com")
    report()
    dispatch()
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("pending", 1)
    assert delivery.reason.isprintable()


def test_a_group_that_moved_is_followed(api: Receiver, chat: Destination) -> None:
    sent = api.answer
    moved = {"ok": False, "description": "upgraded", "parameters": {"migrate_to_chat_id": -1007}}

    def answer(received: Received) -> Answer:
        if json.loads(received.body)["chat_id"] == "-100":
            return Answer(400, {}, json.dumps(moved).encode())
        return sent(received)

    api.answer = answer
    report()
    dispatch()
    due_now()
    dispatch()
    chat.refresh_from_db()
    assert (chat.address, chat.enabled, Delivery.objects.get().state) == ("-1007", True, "done")


def test_a_bot_that_was_blocked_is_disabled(api: Receiver, chat: Destination) -> None:
    body = {"ok": False, "description": "Forbidden: bot was blocked by the user"}
    api.answer = lambda _received: Answer(403, {}, json.dumps(body).encode())
    report()
    dispatch()
    chat.refresh_from_db()
    assert (chat.enabled, chat.disabled_because) == (False, "Forbidden: bot was blocked by the user")


@pytest.mark.parametrize("status", [200, 404, 500])
def test_the_token_is_in_no_stored_reason(api: Receiver, chat: Destination, status: int) -> None:
    api.answer = lambda _received: Answer(status, {}, b"<html>no JSON</html>")
    report()
    dispatch()
    stored = [*Attempt.objects.values(), *Delivery.objects.values(), *Destination.objects.values()]
    assert "AAsecret" not in json.dumps(stored, default=str)


def test_an_unreachable_api_names_no_token(chat: Destination, settings: Any) -> None:
    settings.OUTBOUND_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    settings.TELEGRAM_API_URL = "http://127.0.0.1:1"
    report()
    dispatch()
    reason = Attempt.objects.get().reason
    assert reason
    assert "AAsecret" not in reason


def test_telegram_alone_goes_through_its_proxy(api: Receiver, chat: Destination, settings: Any) -> None:
    settings.TELEGRAM_API_URL = "http://api.nowhere.test"
    destinations.add(name="MAX", transport=Transport.MAX, address="77", secret="token")
    with proxy_to(api.port) as (settings.TELEGRAM_PROXY, heads):
        report()
        dispatch()
    assert heads[0].startswith(b"CONNECT api.nowhere.test:80 ")
    assert sorted(received.path for received in api.received) == [
        f"/bot{TOKEN}/sendMessage",
        "/messages?chat_id=77",
    ]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_max_gets_the_text_and_its_token_in_a_header(api: Receiver, db: None) -> None:
    destinations.add(name="max", transport=Transport.MAX, address="77", secret="t0ken")
    report()
    dispatch()
    [received] = api.received
    assert received.path == "/messages?chat_id=77"
    assert received.headers["authorization"] == "t0ken"


def test_a_storm_is_a_few_messages_and_a_digest(api: Receiver, chat: Destination) -> None:
    for number in range(60):
        report(f"Самокат {number}")
    dispatch()
    assert len(api.received) <= 2
    assert "60" in texts(api)[0]
    assert "https://incidents.example" in texts(api)[0]
    assert set(Delivery.objects.values_list("state", flat=True)) == {"done"}


def test_no_more_than_twenty_messages_a_minute(api: Receiver, chat: Destination) -> None:
    for number in range(30):
        report(f"Самокат {number}")
        dispatch()
    assert len(api.received) == 20
    waiting = Delivery.objects.filter(state="pending")
    assert waiting.count() == 10
    assert "20 messages a minute" in waiting.earliest("id").reason
    Attempt.objects.update(at=timezone.now() - timedelta(minutes=2))
    due_now()
    dispatch()
    assert len(api.received) == 21


def test_what_is_older_than_an_hour_is_told_in_one_message(api: Receiver, chat: Destination) -> None:
    report()
    report()
    Event.objects.update(at=timezone.now() - timedelta(hours=2))
    dispatch()
    assert len(api.received) == 1


def test_quiet_hours_hold_a_message_and_say_so(api: Receiver, chat: Destination) -> None:
    now = timezone.now().astimezone(ZoneInfo("UTC"))
    Destination.objects.update(
        quiet_from=(now - timedelta(hours=1)).time(),
        quiet_to=(now + timedelta(hours=1)).time(),
        time_zone="UTC",
    )
    report()
    dispatch()
    assert api.received == []
    assert "quiet hours" in Delivery.objects.get().reason


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-24T23:30:00+03:00", "2026-11-25T08:00:00+03:00"),
        ("2026-11-25T00:30:00+03:00", "2026-11-25T08:00:00+03:00"),
        ("2026-11-25T07:59:59+03:00", "2026-11-25T08:00:00+03:00"),
        ("2026-11-25T08:00:00+03:00", None),
        ("2026-11-24T21:59:59+03:00", None),
        ("2026-11-24T22:00:00+03:00", "2026-11-25T08:00:00+03:00"),
    ],
)
def test_quiet_hours_pass_midnight(now: str, until: str | None) -> None:
    found = quiet_until(parse_datetime(now) or timezone.now(), clock(22), clock(8), ZoneInfo("Europe/Moscow"))
    assert found == (parse_datetime(until) if until else None)


def test_quiet_hours_follow_the_clock_when_summer_begins() -> None:
    zone = ZoneInfo("Europe/Berlin")
    night = parse_datetime("2026-03-28T23:00:00+01:00") or timezone.now()
    assert quiet_until(night, clock(22), clock(7), zone) == parse_datetime("2026-03-29T07:00:00+02:00")
    assert quiet_until(night, clock(22), clock(22), zone) is None


# ------------------------------------------------------------------ e-mail


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.refuse = ""

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@pytest.fixture
def mailbox(db: None) -> Iterator[Mailbox]:
    mailbox = Mailbox()
    port = free_port()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    url = f"smtp+plain://127.0.0.1:{port}"
    with override_settings(EMAIL_URL=url, EMAIL_FROM="inc@example.com", **mail_settings.configuration(url)):
        destinations.add(
            name="почта", transport=Transport.EMAIL, address="a@example.com, b@example.com", language="ru"
        )
        yield mailbox
    controller.stop()


def test_mails_of_one_incident_are_a_thread(mailbox: Mailbox) -> None:
    one = report("Самокат\r\nBcc: x@example.com")
    dispatch()
    services.change(one, ORIGIN, status=Status.RESOLVED)
    dispatch()
    first, second = mailbox.mails
    assert first["To"] == "a@example.com, b@example.com"
    assert first["Bcc"] is None
    assert f"№{one}" in str(make_header(decode_header(first["Subject"])))
    assert second["References"] == second["In-Reply-To"] == first["Message-ID"]
    assert Thread.objects.get().message == first["Message-ID"]


def test_a_mail_that_is_refused_says_why(mailbox: Mailbox) -> None:
    mailbox.refuse = "554 no such user"
    report()
    dispatch()
    attempt = Attempt.objects.get()
    assert (attempt.status, "no such user" in attempt.reason) == (554, True)


def test_without_a_mail_server_the_attempt_says_so(db: None) -> None:
    destinations.add(name="почта", transport=Transport.EMAIL, address="a@example.com")
    report()
    dispatch()
    assert "EMAIL_URL" in Attempt.objects.get().reason


@pytest.mark.parametrize(
    "url", ["mail.example.com", "http://mail.example.com", "smtps://", "smtps://h:99999999"]
)
def test_a_wrong_mail_url_is_refused(url: str) -> None:
    with pytest.raises(WrongSetting, match="EMAIL_URL"):
        mail_settings.configuration(url)


def test_mail_is_encrypted_unless_the_url_says_otherwise() -> None:
    written = json.dumps(mail_settings.configuration("smtps://a%40b:p%2Fw@mail.example.com")).lower()
    assert '"a@b"' in written
    assert '"p/w"' in written
    assert "465" in written
    assert "use_ssl" in written
    assert "use_tls" in json.dumps(mail_settings.configuration("smtp://mail.example.com")).lower()


# ------------------------------------------------------------------ making destinations


@pytest.mark.parametrize(
    ("transport", "address", "secret"),
    [
        (Transport.WEBHOOK, "ftp://example.com", ""),
        (Transport.WEBHOOK, "http://a:b@example.com", ""),
        (Transport.EMAIL, "nobody", ""),
        (Transport.EMAIL, " , ", ""),
        (Transport.TELEGRAM, "-100", ""),
    ],
)
def test_a_wrong_destination_is_refused(db: None, transport: Transport, address: str, secret: str) -> None:
    with pytest.raises(ValidationError):
        destinations.add(name="x", transport=transport, address=address, secret=secret)
    assert not Destination.objects.exists()

"""What is kept of a post: the newest 50, without secrets, of bounded size."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from integrations import received_posts, services
from integrations.authentication import Caller, find_caller
from integrations.models import Integration, Kind, Outcome, ReceivedPost

TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz012345"


@pytest.fixture
def caller(db: None) -> Caller:
    found = find_caller([services.connect(Integration(name="Kuma", kind=Kind.UPTIME_KUMA))])
    assert found
    return found


def post(caller: Caller, body: bytes = b"{}", **more: Any) -> received_posts.Post:
    fields: dict[str, Any] = {
        "at": timezone.now(),
        "method": "POST",
        "content_type": "application/json",
        "body": received_posts.without_secrets(body, (TOKEN,)),
        "size": len(body),
    }
    return received_posts.Post(caller, **(fields | more))


def store(caller: Caller, body: bytes = b"{}", **more: Any) -> int:
    came = post(caller, body, **more)
    received_posts.store(came)
    assert came.id
    return came.id


def test_the_newest_50_of_each_integration_are_kept(caller: Caller) -> None:
    other = find_caller([services.connect(Integration(name="Other", kind=Kind.UPTIME_KUMA))])
    assert other
    theirs = store(other)
    ids = [store(caller) for _number in range(60)]
    assert list(ReceivedPost.objects.filter(integration=caller.id).values_list("id", flat=True)) == ids[:9:-1]
    for _number in range(33):
        ids.append(store(caller))
        kept = list(ReceivedPost.objects.filter(integration=caller.id).values_list("id", flat=True))
        assert kept[:50] == ids[:-51:-1]
        assert len(kept) < 60
    assert ReceivedPost.objects.filter(pk=theirs).exists()


def test_a_post_may_be_stored_before_its_outcome(caller: Caller) -> None:
    came = post(caller, b'{"a": 1}')
    received_posts.store(came)
    assert came.id
    stored = ReceivedPost.objects.get(pk=came.id)
    assert (stored.body, stored.size, stored.outcome, stored.status) == ('{"a": 1}', 8, "", None)
    received_posts.finish(came, Outcome.PROCESSED, 202, "x" * 20_000)
    stored.refresh_from_db()
    assert (stored.outcome, stored.status) == ("processed", 202)
    assert len(stored.response) == received_posts.MAX_RESPONSE_LENGTH
    assert ReceivedPost.objects.count() == 1


def test_a_post_may_be_stored_with_its_outcome(caller: Caller) -> None:
    came = post(caller, b'{"a": 1}')
    received_posts.finish(came, Outcome.PROCESSED, 202, "x" * 20_000)
    stored = ReceivedPost.objects.get()
    assert (stored.body, stored.size, stored.outcome, stored.status) == ('{"a": 1}', 8, "processed", 202)
    assert len(stored.response) == received_posts.MAX_RESPONSE_LENGTH


def test_the_first_and_the_last_post_are_known_to_the_minute(caller: Caller) -> None:
    integration = Integration.objects.get()
    assert (integration.first_received_at, integration.last_received_at) == (None, None)
    now = timezone.now()
    store(caller, at=now)
    store(caller, at=now + timedelta(minutes=5))
    integration.refresh_from_db()
    assert integration.first_received_at == now
    assert integration.last_received_at == now + timedelta(minutes=5)
    # A post that was late to be stored does not turn the clock back.
    store(caller, at=now + timedelta(minutes=2))
    integration.refresh_from_db()
    assert integration.last_received_at == now + timedelta(minutes=5)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (f'{{"routing_key": "{TOKEN}"}}', '{"routing_key": "…"}'),
        ('{"routing_key" : "another"}', '{"routing_key" : "…"}'),
        ('{"Password": "a\\"b\\\\", "b": 1}', '{"Password": "…", "b": 1}'),
        ('{"db_password": "x", "name": "db"}', '{"db_password": "…", "name": "db"}'),
        ('"{\\"token\\": \\"x\\", \\"b\\": 1}"', '"{\\"token\\": \\"…\\", \\"b\\": 1}"'),
        (f"token={TOKEN}&title=x", "token=…&title=x"),
        ("title=x&api_key=abc", "title=x&api_key=…"),
        ('{"msg": "Authorization: Bearer abc.def"}', '{"msg": "Authorization: Bearer …"}'),
        ('{"url": "https://user:secret@shop.example/"}', '{"url": "https://user:…@shop.example/"}'),
        ('{"secret": "unfinished', '{"secret": "…'),
        ('{"title": "Пароль не подошёл", "author": "x"}', '{"title": "Пароль не подошёл", "author": "x"}'),
        (f"plain {TOKEN} text", "plain … text"),
        ("a\x00b\x1b", "ab"),
    ],
)
def test_secrets_are_not_stored(caller: Caller, body: str, kept: str) -> None:
    assert ReceivedPost.objects.get(pk=store(caller, body.encode())).body == kept


def test_a_long_body_is_cut_and_its_size_is_told(caller: Caller) -> None:
    stored = ReceivedPost.objects.get(pk=store(caller, "я".encode() * 100_000))
    assert len(stored.body.encode()) <= 64 * 1024
    assert stored.size == 200_000


@pytest.mark.parametrize(
    "body",
    [
        b'"token" ' * 8_192,
        b"password=" * 8_192,
        b"://" * 21_000,
        b"://a:" * 13_000,
        b'{"a-a-a-' * 8_192,
        b"-_" * 32_000,
        b"bearer " * 9_000,
        b'\\"token\\":\\"' * 5_000,
        b"a" * 65_536,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_any_body_is_stored_in_little_time(caller: Caller, body: bytes) -> None:
    began = time.thread_time()
    received_posts.without_secrets(body, (TOKEN,))
    assert time.thread_time() - began < 0.5

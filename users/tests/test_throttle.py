import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.db import connection
from django.test import Client, RequestFactory, override_settings
from django.utils import timezone
from pytest_django import Settings

from testing.clients import Envelope, Post, new_client, together
from users import throttle
from users.models import KnownLogin, LoginAttempts, User
from users.throttle import (
    MAX_FOR_ADDRESS,
    MAX_FOR_NAME_AT_ADDRESS,
)

PATH = "/users/authorization/"
REFUSED = (429, "Too many attempts, try again later")
WRONG = (401, "Invalid credentials")


class CountingHasher(MD5PasswordHasher):
    """A fast hasher that records each guess that it verifies."""

    guesses: list[str] = []
    counting = threading.Lock()

    def verify(self, password: str, encoded: str) -> bool:
        with self.counting:
            self.guesses.append(password)
        return super().verify(password, encoded)


@pytest.fixture
def guesses() -> Iterator[list[str]]:
    """Return the list of passwords that were checked."""
    CountingHasher.guesses.clear()
    name = f"{CountingHasher.__module__}.{CountingHasher.__name__}"
    with override_settings(PASSWORD_HASHERS=[name]):
        yield CountingHasher.guesses


def log_in(post: Post, username: str, password: str, address: str = "192.0.2.1", **more: Any) -> Envelope:
    return post(PATH, {"username": username, "password": password}, REMOTE_ADDR=address, **more)


@pytest.mark.django_db(transaction=True)
def test_of_40_parallel_wrong_guesses_at_most_5_are_checked(guesses: list[str], olga: User) -> None:
    def guess(number: int) -> list[int]:
        # Most are rejected for want of a place in the queue, so each comes again.
        return [log_in(Post(), "olga", f"guess {number}.{again}").status for again in range(4)]

    results = together(40, guess)
    statuses = {status for result in results for status in result}
    assert statuses <= {401, 429}
    assert 1 <= len(guesses) <= MAX_FOR_NAME_AT_ADDRESS == 5


def test_the_sixth_guess_is_rejected_before_the_password_is_checked(
    post: Post, guesses: list[str], olga: User, password: str
) -> None:
    for number in range(5):
        assert log_in(post, "olga", f"guess {number}").verdict == WRONG
    assert log_in(post, "olga", "guess 5").verdict == REFUSED
    assert log_in(post, "olga", password).verdict == REFUSED
    assert guesses == [f"guess {number}" for number in range(5)]


def test_a_rejected_login_says_when_to_try_again(post: Post, olga: User, password: str) -> None:
    responses = [log_in(post, "olga", "wrong") for _guess in range(6)]
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= throttle.WINDOW.total_seconds()
    LoginAttempts.objects.update(window_ends_at=timezone.now())
    assert log_in(post, "olga", password).status == 200


def test_guesses_do_not_extend_the_window(post: Post, olga: User) -> None:
    log_in(post, "olga", "wrong")
    before = set(LoginAttempts.objects.values_list("key", "window_ends_at"))
    log_in(post, "olga", "wrong")
    assert set(LoginAttempts.objects.values_list("key", "window_ends_at")) == before


def test_a_success_deletes_the_failures(post: Post, olga: User, password: str) -> None:
    for _round in range(4):
        for _guess in range(4):
            assert log_in(post, "olga", "wrong").verdict == WRONG
        assert log_in(post, "olga", password).status == 200


def test_successes_alone_are_never_limited(post: Post, olga: User, password: str) -> None:
    statuses = {log_in(post, "olga", password).status for _login in range(MAX_FOR_ADDRESS + 5)}
    assert statuses == {200}


def test_nobody_is_locked_out_by_guesses_from_elsewhere(post: Post, olga: User, password: str) -> None:
    for _guess in range(6):
        log_in(post, "olga", "wrong", "192.0.2.1")
    assert log_in(post, "olga", password, "192.0.2.2").status == 200


def test_another_name_at_the_same_address_is_not_locked_out(
    post: Post, olga: User, vera: User, password: str
) -> None:
    for _guess in range(6):
        log_in(post, "olga", "wrong")
    assert log_in(post, "vera", password).status == 200


def test_an_unknown_name_is_limited_like_a_known_one(post: Post, olga: User) -> None:
    known = [log_in(post, "olga", "wrong").verdict for _guess in range(7)]
    unknown = [log_in(post, "nobody", "wrong").verdict for _guess in range(7)]
    assert known == unknown == [WRONG] * 5 + [REFUSED] * 2


def test_guessing_many_names_from_one_address_is_limited(
    post: Post, guesses: list[str], olga: User, password: str
) -> None:
    for number in range(MAX_FOR_ADDRESS):
        assert log_in(post, f"name{number}", "wrong").verdict == WRONG
    assert log_in(post, "olga", password).verdict == REFUSED
    assert guesses == []
    assert log_in(post, "olga", password, "192.0.2.2").status == 200


def test_a_success_takes_its_count_at_the_address_back(post: Post, olga: User, password: str) -> None:
    for number in range(MAX_FOR_ADDRESS - 1):
        log_in(post, f"name{number}", "wrong")
    assert log_in(post, "olga", password).status == 200
    assert log_in(post, "another", "wrong").verdict == WRONG
    assert log_in(post, "another", "wrong").verdict == REFUSED


@pytest.mark.parametrize(
    ("first", "second", "one_network"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:0:8000::", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_an_address_is_an_ipv4_address_or_an_ipv6_network(
    post: Post, olga: User, first: str, second: str, one_network: bool
) -> None:
    for _guess in range(5):
        log_in(post, "olga", "wrong", first)
    assert log_in(post, "olga", "wrong", second).verdict == (REFUSED if one_network else WRONG)


def test_forwarded_addresses_are_ignored_by_default(post: Post, olga: User) -> None:
    verdicts = [
        log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").verdict
        for number in range(6)
    ]
    assert verdicts == [WRONG] * 5 + [REFUSED]


@pytest.mark.parametrize("address", ["198.51.100.1", "[2001:db8::1]", "not an address"])
def test_a_new_port_of_the_client_is_no_new_address(
    post: Post, guesses: list[str], olga: User, settings: Settings, address: str
) -> None:
    settings.TRUSTED_PROXIES = 1
    for port in range(8):
        log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR=f"{address}:{40000 + port}")
    assert len(guesses) == MAX_FOR_NAME_AT_ADDRESS


def test_behind_a_trusted_proxy_it_counts_the_address_the_proxy_saw(
    post: Post, olga: User, settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = 1
    for number in range(5):
        forged = f"10.0.0.{number}, 198.51.100.1"
        assert log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR=forged).verdict == WRONG
    assert log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR="198.51.100.1").verdict == REFUSED
    assert log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR="198.51.100.2").verdict == WRONG


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "", "192.0.2.1"),
        (0, "198.51.100.1", "192.0.2.1"),
        (1, "", "192.0.2.1"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9,198.51.100.1 ", "198.51.100.1"),
        (1, "198.51.100.1,", "192.0.2.1"),
        (2, "203.0.113.9, 198.51.100.1, 10.0.0.1", "198.51.100.1"),
        (2, "198.51.100.1", "192.0.2.1"),
        (1, "198.51.100.1:5678", "198.51.100.1"),
        (1, "203.0.113.9:1, 198.51.100.1:65535", "198.51.100.1"),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "[2001:db8::1]", "2001:db8::1"),
        (1, "[2001:DB8:0::1]:5678", "2001:db8::1"),
        (1, "[fe80::1%eth0]:5678", "fe80::1"),
        (1, "fe80::1%25eth0", "fe80::1"),
        (1, "unknown", "192.0.2.1"),
        (1, "_hidden:5678", "192.0.2.1"),
        (1, "198.51.100.1.example.com", "192.0.2.1"),
        (1, "[2001:db8::1", "2001:db8::1"),
        (1, "[]:1", "192.0.2.1"),
    ],
)
def test_the_clients_address_is_the_one_that_the_outermost_trusted_proxy_saw(
    settings: Settings, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    request = RequestFactory().post("/", REMOTE_ADDR="192.0.2.1", headers=headers)
    assert throttle.client_address(request) == address


def submit(browser: Client, path: str, username: str, password: str) -> Any:
    browser.get(path)
    return browser.post(path, {"username": username, "password": password}, REMOTE_ADDR="192.0.2.1")


@pytest.mark.parametrize("path", ["/admin/login/", "/api/login/login/"])
def test_the_login_forms_are_limited_as_well(
    guesses: list[str], post: Post, admin: User, password: str, path: str
) -> None:
    browser = new_client(headers={"Accept-Language": "en"})
    for number in range(5):
        assert submit(browser, path, "admin", f"guess {number}").status_code == 200
    refused = submit(browser, path, "admin", password)
    assert refused.status_code == 200
    assert "Too many attempts, try again later" in refused.content.decode()
    assert "_auth_user_id" not in browser.session
    assert log_in(post, "admin", password).verdict == REFUSED
    assert len(guesses) == 5


def test_the_admins_form_lets_the_admin_in(admin: User, password: str) -> None:
    browser = new_client()
    assert submit(browser, "/admin/login/", "admin", password).status_code == 302
    assert browser.session["_auth_user_id"] == str(admin.pk)


def test_the_admin_form_tells_the_wait_in_russian_too(admin: User) -> None:
    browser = new_client(headers={"Accept-Language": "ru"})
    for _guess in range(6):
        refused = submit(browser, "/admin/login/", "admin", "wrong")
    assert re.search("Слишком много попыток", refused.content.decode())


@pytest.mark.django_db(transaction=True)
def test_parallel_attempts_are_each_counted(olga: User) -> None:
    def reserve(_number: int) -> None:
        throttle.reserve("key", limit=1000)

    assert together(20, reserve) == [None] * 20
    assert LoginAttempts.objects.get(key="key").count == 20


@pytest.mark.skipif(not django_settings.DATABASE_URL, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_although_a_parallel_success_deletes_the_others(olga: User) -> None:
    def in_another_connection(act: Callable[[], object]) -> None:
        together(1, lambda _number: act())

    def delete_before_the_update(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if not sql.startswith("INSERT") or deleted:
            return execute(sql, *more)
        deleted.append(sql)
        in_another_connection(lambda: throttle.reserve("key", limit=5))
        result = execute(sql, *more)
        in_another_connection(LoginAttempts.objects.filter(key="key").delete)
        return result

    deleted: list[str] = []
    with connection.execute_wrapper(delete_before_the_update):
        throttle.reserve("key", limit=5)
    assert deleted
    assert LoginAttempts.objects.get(key="key").count == 1


def test_a_success_takes_nothing_back_from_the_next_window(db: None) -> None:
    before, after = throttle.Attempt("olga", None), throttle.Attempt("vera", None)
    before.reserve()
    LoginAttempts.objects.update(window_ends_at=timezone.now())
    after.reserve()
    before.succeed()
    after.succeed()
    assert set(LoginAttempts.objects.values_list("count", flat=True)) == {0}


def test_attempts_whose_window_is_over_are_pruned(db: None) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    LoginAttempts.objects.create(key="old", count=3, window_ends_at=long_ago)
    throttle.reserve("new", limit=5)
    assert [attempts.key for attempts in LoginAttempts.objects.all()] == ["new"]


def test_neither_names_nor_addresses_are_stored(post: Post, olga: User, password: str) -> None:
    log_in(post, "olga", "wrong", "192.0.2.77")
    log_in(post, "olga", password, "192.0.2.77")
    stored = repr([*LoginAttempts.objects.values_list(), *KnownLogin.objects.values_list()])
    assert "olga" not in stored
    assert "192.0.2.77" not in stored

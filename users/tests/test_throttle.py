import fcntl
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
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
from users.models import LoginAttempts, User
from users.throttle import MAX_CONCURRENT_HASHES, MAX_FOR_ADDRESS, MAX_FOR_NAME_AT_ADDRESS

PATH = "/users/authorization/"
REFUSED = (429, "Too many attempts, try again later")
WRONG = (401, "Invalid credentials")
SHORT_WAIT = 0.7


class CountingHasher(MD5PasswordHasher):
    """A fast hasher that remembers each guess it was shown."""

    guesses: list[str] = []
    counting = threading.Lock()

    def verify(self, password: str, encoded: str) -> bool:
        with self.counting:
            self.guesses.append(password)
        return super().verify(password, encoded)


@pytest.fixture
def guesses() -> Iterator[list[str]]:
    """Return the list of passwords that were looked at."""
    CountingHasher.guesses.clear()
    name = f"{CountingHasher.__module__}.{CountingHasher.__name__}"
    with override_settings(PASSWORD_HASHERS=[name]):
        yield CountingHasher.guesses


def log_in(post: Post, username: str, password: str, address: str = "192.0.2.1", **more: Any) -> Envelope:
    return post(PATH, {"username": username, "password": password}, REMOTE_ADDR=address, **more)


@pytest.mark.django_db(transaction=True)
def test_of_40_wrong_guesses_at_once_at_most_5_are_looked_at(guesses: list[str], olga: User) -> None:
    def guess(number: int) -> list[int]:
        # The hashing queue rejects most before the password is checked; a client tries again.
        return [log_in(Post(), "olga", f"guess {number}.{again}").status for again in range(4)]

    results = together(40, guess)
    statuses = {status for result in results for status in result}
    assert statuses <= {401, 429}
    assert 1 <= len(guesses) <= MAX_FOR_NAME_AT_ADDRESS == 5


def test_the_sixth_guess_is_refused_unseen_be_it_right_or_wrong(
    post: Post, guesses: list[str], olga: User, password: str
) -> None:
    for number in range(5):
        assert log_in(post, "olga", f"guess {number}").verdict == WRONG
    assert log_in(post, "olga", "guess 5").verdict == REFUSED
    assert log_in(post, "olga", password).verdict == REFUSED
    assert guesses == [f"guess {number}" for number in range(5)]


def test_the_refusal_says_when_to_come_again(post: Post, olga: User, password: str) -> None:
    responses = [log_in(post, "olga", "wrong") for _guess in range(6)]
    assert 1 <= int(responses[-1].headers["Retry-After"]) <= throttle.WINDOW.total_seconds()
    LoginAttempts.objects.update(window_ends_at=timezone.now())
    assert log_in(post, "olga", password).status == 200


def test_guesses_do_not_extend_the_window(post: Post, olga: User) -> None:
    log_in(post, "olga", "wrong")
    before = set(LoginAttempts.objects.values_list("key", "window_ends_at"))
    log_in(post, "olga", "wrong")
    assert set(LoginAttempts.objects.values_list("key", "window_ends_at")) == before


def test_a_success_forgets_the_failures(post: Post, olga: User, password: str) -> None:
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


def test_a_success_gives_its_place_at_the_address_back(post: Post, olga: User, password: str) -> None:
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


def test_it_believes_no_forwarded_address_by_default(post: Post, olga: User) -> None:
    verdicts = [
        log_in(post, "olga", "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{number}").verdict
        for number in range(6)
    ]
    assert verdicts == [WRONG] * 5 + [REFUSED]


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


@pytest.fixture
def no_slot_free(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """Hold every place to hash a password, as other processes would, and make the wait for one short."""
    monkeypatch.setattr(throttle, "MAX_WAIT_SECONDS", SHORT_WAIT)
    with ExitStack() as files:
        for slot in range(MAX_CONCURRENT_HASHES):
            path = django_settings.DATA_DIR / f".hashing.{slot}.lock"
            file = files.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield files


def test_it_gives_up_when_every_core_is_hashing(
    no_slot_free: ExitStack, guesses: list[str], post: Post, olga: User, password: str
) -> None:
    response = log_in(post, "olga", password)
    assert response.verdict == REFUSED
    assert response.headers["Retry-After"] == "1"
    assert guesses == []
    no_slot_free.close()
    assert log_in(post, "olga", password).status == 200


def test_who_is_turned_away_by_the_queue_is_not_counted(
    no_slot_free: ExitStack, post: Post, olga: User, password: str
) -> None:
    for _attempt in range(2):
        log_in(post, "olga", "wrong")
    assert not LoginAttempts.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_waiting_room_is_bounded(
    no_slot_free: ExitStack, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throttle, "MAX_WAIT_SECONDS", 60)
    turned_away = threading.Semaphore(0)

    def wait(_number: int) -> tuple[int, str]:
        verdict = log_in(Post(), "olga", "wrong").verdict
        if verdict == REFUSED:
            turned_away.release()
        return verdict

    def let_in() -> None:
        for _one in range(4):
            assert turned_away.acquire(timeout=30)
        no_slot_free.close()

    doorman = threading.Thread(target=let_in)
    doorman.start()
    verdicts = together(6, wait)
    doorman.join()
    assert sorted(verdicts) == [WRONG] * 2 + [REFUSED] * 4


@pytest.mark.django_db(transaction=True)
def test_attempts_at_once_are_each_counted(olga: User) -> None:
    def reserve(_number: int) -> None:
        throttle.reserve("key", most=1000)

    assert together(20, reserve) == [None] * 20
    assert LoginAttempts.objects.get(key="key").count == 20


@pytest.mark.skipif(not django_settings.DATABASE_URL, reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_counted_though_a_success_forgets_the_others_meanwhile(olga: User) -> None:
    def in_another_connection(act: Callable[[], object]) -> None:
        together(1, lambda _number: act())

    def meddle(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        if not sql.startswith("INSERT") or meddled:
            return execute(sql, *more)
        meddled.append(sql)
        in_another_connection(lambda: throttle.reserve("key", most=5))
        result = execute(sql, *more)
        in_another_connection(LoginAttempts.objects.filter(key="key").delete)
        return result

    meddled: list[str] = []
    with connection.execute_wrapper(meddle):
        throttle.reserve("key", most=5)
    assert meddled
    assert LoginAttempts.objects.get(key="key").count == 1


def test_a_success_gives_nothing_back_that_went_with_its_window(db: None) -> None:
    before, after = throttle.Attempt("olga", None), throttle.Attempt("vera", None)
    before.reserve()
    LoginAttempts.objects.update(window_ends_at=timezone.now())
    after.reserve()
    before.succeed()
    after.succeed()
    assert LoginAttempts.objects.get().count == 0


def test_attempts_whose_window_is_over_are_pruned(db: None) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    LoginAttempts.objects.create(key="old", count=3, window_ends_at=long_ago)
    throttle.reserve("new", most=5)
    assert [attempts.key for attempts in LoginAttempts.objects.all()] == ["new"]


def test_neither_names_nor_addresses_are_kept(post: Post, olga: User) -> None:
    log_in(post, "olga", "wrong", "192.0.2.77")
    stored = repr(list(LoginAttempts.objects.values_list()))
    assert "olga" not in stored
    assert "192.0.2.77" not in stored

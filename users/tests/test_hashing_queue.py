"""The queue for hashing a password: its places by trust, and the slots of this machine."""

import fcntl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import RequestFactory, override_settings
from django.utils import timezone

from testing.clients import Post, together
from users import hashing_queue, throttle
from users.hashing_queue import (
    MAX_CONCURRENT_HASHES,
    MAX_KEYS,
    MAX_NEW_ATTEMPTS,
    MAX_TRUSTED_LOGINS,
    FirstOnes,
    TooManyAttempts,
    Trust,
    first_attempts,
    first_logins,
    hashing_slot,
    under_way,
)
from users.models import KnownLogin, LoginAttempts, User
from users.tests.test_throttle import REFUSED, WRONG, log_in
from users.throttle import MAX_FOR_ADDRESS, MAX_FOR_NETWORK, Attempt, key

SHORT_WAIT = 0.7


@pytest.fixture(autouse=True)
def no_attempt_before() -> None:
    for noted in (first_attempts, first_logins):
        noted.counts.clear()


@pytest.fixture
def no_slot_free(monkeypatch: pytest.MonkeyPatch) -> Iterator[ExitStack]:
    """Hold every slot to hash a password, as other processes would, and make the wait for one short."""
    monkeypatch.setattr(hashing_queue, "MAX_WAIT_SECONDS", SHORT_WAIT)
    with ExitStack() as files:
        for slot in range(MAX_CONCURRENT_HASHES):
            path = django_settings.DATA_DIR / f".hashing.{slot}.lock"
            file = files.enter_context(path.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield files


def test_it_gives_up_when_every_core_is_hashing(
    no_slot_free: ExitStack, post: Post, olga: User, password: str
) -> None:
    answer = log_in(post, "olga", password)
    assert answer.verdict == REFUSED
    assert answer.headers["Retry-After"] == "1"
    assert not LoginAttempts.objects.exists()
    no_slot_free.close()
    assert log_in(post, "olga", password).status == 200


def test_a_login_rejected_by_the_queue_is_not_counted(
    no_slot_free: ExitStack, post: Post, olga: User, password: str
) -> None:
    for _attempt in range(2):
        log_in(post, "olga", "wrong")
    assert not LoginAttempts.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_hashing_queue_is_bounded(
    no_slot_free: ExitStack, olga: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing_queue, "MAX_WAIT_SECONDS", 60)
    rejected = threading.Semaphore(0)

    def wait(_number: int) -> tuple[int, str]:
        verdict = log_in(Post(), "olga", "wrong").verdict
        if verdict == REFUSED:
            rejected.release()
        return verdict

    def free_the_slots() -> None:
        for _one in range(4):
            assert rejected.acquire(timeout=30)
        no_slot_free.close()

    thread = threading.Thread(target=free_the_slots)
    thread.start()
    verdicts = together(6, wait)
    thread.join()
    assert sorted(verdicts) == [WRONG] * 2 + [REFUSED] * 4


def test_each_degree_of_trust_has_a_place_that_lower_ones_do_not_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hashing_queue, "MAX_CONCURRENT_HASHES", 4)
    with ExitStack() as held:
        held.enter_context(hashing_slot(Trust.FAILED))
        with pytest.raises(TooManyAttempts), hashing_slot(Trust.FAILED):
            pass
        held.enter_context(hashing_slot(Trust.NEW))
        with pytest.raises(TooManyAttempts), hashing_slot(Trust.NEW):
            pass
        held.enter_context(hashing_slot(Trust.KNOWN))
        with pytest.raises(TooManyAttempts), hashing_slot(Trust.KNOWN):
            pass
    with hashing_slot(Trust.FAILED):
        pass


def test_a_trusted_login_takes_a_lower_place_when_its_own_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing_queue, "MAX_CONCURRENT_HASHES", 4)
    with ExitStack() as held:
        for _login in range(3):
            held.enter_context(hashing_slot(Trust.KNOWN))
        with pytest.raises(TooManyAttempts), hashing_slot(Trust.KNOWN):
            pass


def test_a_free_slot_goes_to_the_highest_trust_that_waits(no_slot_free: ExitStack) -> None:
    order = list[Trust]()
    began = threading.Semaphore(0)

    def hash_password(number: int) -> None:
        began.release()
        with hashing_slot(Trust(number)):
            order.append(Trust(number))

    def free_the_slots() -> None:
        for _trust in Trust:
            assert began.acquire(timeout=30)
        time.sleep(SHORT_WAIT / 3)
        no_slot_free.close()

    if MAX_CONCURRENT_HASHES > 1:
        pytest.skip("several are hashed at once, in no order")
    thread = threading.Thread(target=free_the_slots)
    thread.start()
    together(len(Trust), hash_password)
    thread.join()
    assert order == [Trust.KNOWN, Trust.NEW, Trust.FAILED]


def test_a_network_is_new_for_three_attempts(no_slot_free: ExitStack, olga: User) -> None:
    one, other = attempt("olga", "192.0.2.1"), attempt("vera", "192.0.2.9")
    assert [one.enter_queue(), other.enter_queue(), one.enter_queue()] == [Trust.NEW] * 3
    assert [one.enter_queue(), other.enter_queue()] == [Trust.FAILED] * 2
    assert attempt("olga", "192.0.3.1").enter_queue() == Trust.NEW
    one.succeed()
    assert attempt("vera", "192.0.2.9").enter_queue() == Trust.NEW
    assert attempt("olga", "192.0.2.9").enter_queue() == Trust.KNOWN


def test_first_attempts_are_bounded_and_expire() -> None:
    attempts = FirstOnes(3, 60)
    assert all(attempts.add(str(number)) for number in range(2 * MAX_KEYS))
    assert len(attempts.counts) == MAX_KEYS
    assert [attempts.add("0") for _attempt in range(4)] == [True, True, True, False]
    expired = FirstOnes(3, 0)
    assert all(expired.add("0") for _attempt in range(5))


def test_logins_without_end_from_one_place_are_trusted_no_more(post: Post, olga: User, password: str) -> None:
    log_in(post, "olga", password)
    caller = attempt("olga", "192.0.2.1")
    assert [caller.enter_queue() for _login in range(MAX_TRUSTED_LOGINS)] == [Trust.KNOWN] * 10
    assert caller.enter_queue() == Trust.FAILED
    assert log_in(post, "olga", password).status == 200
    assert attempt("vera", "192.0.2.1").enter_queue() == Trust.NEW


def test_a_second_login_of_the_same_caller_takes_no_trusted_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing_queue, "MAX_CONCURRENT_HASHES", 4)
    with ExitStack() as held:
        held.enter_context(hashing_slot(Trust.KNOWN, "olga, here"))
        held.enter_context(hashing_slot(Trust.KNOWN, "olga, here"))
        with pytest.raises(TooManyAttempts), hashing_slot(Trust.KNOWN, "olga, here"):
            pass
        held.enter_context(hashing_slot(Trust.KNOWN, "vera, there"))
    assert not under_way.counts


def test_a_network_has_a_limit_except_for_who_has_logged_in_there(
    post: Post, olga: User, password: str
) -> None:
    log_in(post, "olga", password, "192.0.2.1")
    network = key("", "192.0.2.0/24")
    ends_at = timezone.now() + throttle.WINDOW
    LoginAttempts.objects.update_or_create(
        key=network, defaults={"count": MAX_FOR_NETWORK, "window_ends_at": ends_at}
    )
    assert log_in(post, "vera", "wrong", "192.0.2.77").verdict == REFUSED
    assert log_in(post, "olga", password, "192.0.2.78").status == 200
    assert log_in(post, "vera", "wrong", "192.0.3.77").verdict == WRONG


def attempt(username: str, address: str) -> Attempt:
    return Attempt(username, RequestFactory().post("/", REMOTE_ADDR=address))


def trust(username: str, address: str) -> Trust:
    return attempt(username, address).check()


@pytest.mark.parametrize(
    ("address", "neighbour", "stranger"),
    [
        ("192.0.2.1", "192.0.2.254", "192.0.3.1"),
        ("2001:db8:1::1", "2001:db8:1:ffff::1", "2001:db8:2::1"),
        ("::ffff:192.0.2.1", "192.0.2.9", "::ffff:192.0.3.1"),
    ],
)
def test_trust_is_by_network(
    post: Post, olga: User, password: str, address: str, neighbour: str, stranger: str
) -> None:
    assert trust("olga", address) == Trust.NEW
    for number in range(MAX_NEW_ATTEMPTS):
        assert trust("olga", address) == Trust.NEW
        log_in(post, f"user {number}", "wrong", address)
    assert [trust("olga", it) for it in (address, neighbour, stranger)] == [Trust.FAILED] * 2 + [Trust.NEW]
    log_in(post, "olga", password, address)
    log_in(post, "olga", "wrong", address)
    assert [trust("olga", it) for it in (address, neighbour, stranger)] == [Trust.KNOWN] * 2 + [Trust.NEW]
    assert trust("vera", address) == Trust.FAILED


def test_trust_ends(post: Post, olga: User, password: str) -> None:
    log_in(post, "olga", password)
    assert trust("olga", "192.0.2.1") == Trust.KNOWN
    KnownLogin.objects.update(expires_at=timezone.now())
    assert trust("olga", "192.0.2.1") == Trust.NEW
    log_in(post, "vera", "wrong")
    LoginAttempts.objects.update(window_ends_at=timezone.now())
    assert trust("olga", "192.0.2.1") == Trust.NEW


def test_a_login_deletes_known_logins_that_have_expired(post: Post, olga: User, password: str) -> None:
    KnownLogin.objects.create(key="expired", expires_at=timezone.now())
    log_in(post, "olga", password)
    assert not KnownLogin.objects.filter(key="expired").exists()


def test_an_address_over_its_limit_takes_no_place_in_the_queue(
    no_slot_free: ExitStack, post: Post, olga: User
) -> None:
    address = key("192.0.2.1/32")
    ends_at = timezone.now() + throttle.WINDOW
    LoginAttempts.objects.create(key=address, count=MAX_FOR_ADDRESS, window_ends_at=ends_at)
    answer = log_in(post, "vera", "wrong")
    assert answer.verdict == REFUSED
    assert int(answer.headers["Retry-After"]) > 100
    assert LoginAttempts.objects.get().count == MAX_FOR_ADDRESS


class SlowHasher(MD5PasswordHasher):
    def verify(self, password: str, encoded: str) -> bool:
        time.sleep(0.1)
        return super().verify(password, encoded)

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Only `verify` is slow here."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_known", [True, False])
def test_guesses_from_other_networks_do_not_keep_a_right_password_out(
    olga: User, password: str, is_known: bool
) -> None:
    done = threading.Event()

    def guess(number: int) -> None:
        post = Post()
        while not done.is_set():
            log_in(post, "olga", "wrong", f"10.0.{number % 2}.{number}")
            time.sleep(0.005)  # No guesser shares an interpreter with the service.

    def log_in_once(_number: int) -> int:
        post, status = Post(), 0
        # `python -m resilience logins` measures how long it takes; here other tests may share the processor.
        deadline = time.monotonic() + 30
        while status != 200 and time.monotonic() < deadline:
            time.sleep(0.2)
            status = log_in(post, "olga", password).status
        done.set()
        return status

    if is_known:
        log_in(Post(), "olga", password)
    with override_settings(PASSWORD_HASHERS=[f"{SlowHasher.__module__}.{SlowHasher.__name__}"]):
        [status, *_] = together(9, lambda number: guess(number) if number else log_in_once(number))
    assert status == 200

"""Messages that no event made: tests from the page, and notices that another destination was disabled.

Each is sent once, in a thread beside those of the deliveries: neither waits for the other.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any

from django.utils import timezone

from integrations.outbound import messages
from integrations.outbound.models import Destination, SendingTest, Transport
from integrations.outbound.quiet_hours import quiet_until
from integrations.outbound.sending import send_now
from integrations.outbound.transports.base import Outcome, one_line

MAX_AT_ONCE = 32
# No transport waits longer for a response; after that the page says that there was none.
MAX_SECONDS = 20
# A notice that no destination took is tried again.
NOTICE_AGAIN = timedelta(minutes=10)
NOTICE_FOR = timedelta(days=1)


def request_test(destination: Destination) -> None:
    """Have the dispatcher send a test now, also to a disabled destination; one that is under way goes on."""
    now = timezone.now()
    under_way = SendingTest.objects.filter(
        destination=destination, finished_at=None, requested_at__gt=now - timedelta(seconds=MAX_SECONDS)
    )
    if under_way.exists():
        return
    SendingTest.objects.update_or_create(
        destination=destination,
        defaults={
            "requested_at": now,
            "started_at": None,
            "finished_at": None,
            "success": False,
            "reason": "",
        },
    )


class DirectMessages:
    """The dispatcher's main thread calls `step`, which alone uses the database."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(MAX_AT_ONCE, thread_name_prefix="direct")
        # Each with what stores its result.
        self.under_way: list[tuple[Future[Any], Callable[[Any], None]]] = []

    def step(self) -> None:
        done = [job for job in self.under_way if job[0].done()]
        self.under_way = [job for job in self.under_way if job not in done]
        for future, store in done:
            store(future.result())
        for test in self.claimed_tests():
            self.under_way.append((self.pool.submit(send_test, test.destination), partial(store_test, test)))
        for disabled in self.claimed_notices():
            future = self.pool.submit(send_notice, disabled, others_than(disabled))
            self.under_way.append((future, partial(store_notice, disabled)))

    @property
    def room(self) -> int:
        return MAX_AT_ONCE - len(self.under_way)

    def claimed_tests(self) -> list[SendingTest]:
        wanted = SendingTest.objects.filter(started_at=None).select_related("destination")
        return [
            test
            for test in wanted[: self.room]
            if SendingTest.objects.filter(pk=test.pk, started_at=None).update(started_at=timezone.now())
        ]

    def claimed_notices(self) -> list[Destination]:
        due = Destination.objects.filter(enabled=False, notice_due__lte=timezone.now())
        return [
            one
            for one in due[: self.room]
            if Destination.objects.filter(pk=one.pk, notice_due=one.notice_due).update(notice_due=None)
        ]

    def finish(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)


def send_test(destination: Destination) -> tuple[Outcome, int]:
    """Return the outcome and the milliseconds it took."""
    began = time.monotonic()
    outcome = send_now(destination, messages.test_message(destination))
    return outcome, int((time.monotonic() - began) * 1000)


def store_test(test: SendingTest, result: tuple[Outcome, int]) -> None:
    outcome, milliseconds = result
    # Another one may have been asked for meanwhile.
    SendingTest.objects.filter(pk=test.pk, requested_at=test.requested_at).update(
        finished_at=timezone.now(),
        success=outcome.success,
        status=outcome.status,
        reason=one_line(outcome.reason),
        milliseconds=milliseconds,
    )


def others_than(disabled: Destination) -> list[Destination]:
    """Return the enabled destinations that may be disturbed now, people's and those that work first."""
    now = timezone.now()
    enabled = Destination.objects.filter(enabled=True).exclude(pk=disabled.pk)
    awake = [
        one for one in enabled if not quiet_until(now, one.quiet_from, one.quiet_to, messages.zone_of(one))
    ]
    return sorted(
        awake,
        key=lambda one: (not Transport(one.transport).is_for_people, one.failing_since is not None, one.pk),
    )


def send_notice(disabled: Destination, others: Sequence[Destination]) -> bool:
    """Tell the first that takes it. A failure here disables nothing, so no notice makes another one."""
    return any(send_now(one, messages.disabled_notice(one, disabled)).success for one in others)


def store_notice(disabled: Destination, sent: bool) -> None:
    now = timezone.now()
    if not sent and disabled.disabled_at and now < disabled.disabled_at + NOTICE_FOR:
        still = Destination.objects.filter(pk=disabled.pk, enabled=False, disabled_at=disabled.disabled_at)
        still.update(notice_due=now + NOTICE_AGAIN)

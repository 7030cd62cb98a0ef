"""The leader/followers pool: the leader does short tasks itself, a long task makes a follower the leader."""

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from server.leader_follower import LeaderFollowerPool, Task

HANDOFF_AFTER = 0.02
LONG = 0.3


class Work:
    """A pool of three threads, its tasks, and which thread ended each task when."""

    def __init__(self, handoff_after: float) -> None:
        self.tasks: queue.Queue[Task] = queue.Queue()
        self.done: dict[object, tuple[int, float]] = {}
        self.pool = LeaderFollowerPool(self.next_task, handoff_after)
        self.threads = [threading.Thread(target=self.pool.work) for _ in range(3)]

    def next_task(self) -> Task | None:
        try:
            return self.tasks.get(timeout=0.05)
        except queue.Empty:
            return None

    def add(self, name: object, seconds: float = 0) -> None:
        def task() -> None:
            time.sleep(seconds)
            self.done[name] = (threading.get_ident(), time.monotonic())

        self.tasks.put(task)

    def wait_for(self, condition: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end
            time.sleep(0.001)


@contextmanager
def at_work(handoff_after: float) -> Iterator[Work]:
    before = signal.getsignal(signal.SIGALRM)
    work = Work(handoff_after)
    for thread in work.threads:
        thread.start()
    try:
        yield work
    finally:
        work.pool.stopping = True
        for thread in work.threads:
            thread.join(10)
        signal.signal(signal.SIGALRM, before)
    assert not any(thread.is_alive() for thread in work.threads)


def test_the_leader_does_short_tasks_in_order() -> None:
    with at_work(handoff_after=5) as work:
        for name in range(100):
            work.add(name)
        work.wait_for(lambda: len(work.done) == 100)
    assert list(work.done) == list(range(100))
    assert len({thread for thread, _at in work.done.values()}) == 1


def test_a_short_task_behind_long_ones_is_handed_to_a_follower() -> None:
    with at_work(HANDOFF_AFTER) as work:
        started = time.monotonic()
        work.add("first long", LONG)
        work.add("second long", LONG)
        work.add("short")
        work.wait_for(lambda: len(work.done) == 3)
    assert work.done["short"][1] - started < LONG / 2
    assert len({thread for thread, _at in work.done.values()}) == 3


def test_a_former_leader_leads_again() -> None:
    with at_work(HANDOFF_AFTER) as work:
        for round_ in range(4):
            for number in range(3):
                work.add((round_, number), 2 * HANDOFF_AFTER)
        work.wait_for(lambda: len(work.done) == 12)
        assert 1 < len({thread for thread, _at in work.done.values()}) <= 3


def test_with_a_handoff_after_of_0_tasks_run_side_by_side() -> None:
    together = threading.Barrier(3)
    with at_work(handoff_after=0) as work:
        for _ in range(3):
            work.tasks.put(lambda: together.wait(5))
        work.wait_for(lambda: together.n_waiting == 0 and work.tasks.empty())
    assert not together.broken


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_an_error_of_a_task_the_other_threads_go_on() -> None:
    def wrong() -> None:
        raise RuntimeError

    with at_work(handoff_after=5) as work:
        work.tasks.put(wrong)
        work.add("next")
        work.wait_for(lambda: "next" in work.done)


def test_a_signal_that_interrupts_the_handler_itself_is_put_off() -> None:
    with at_work(HANDOFF_AFTER) as work, work.pool.change:
        work.pool.promote_if_long()  # returns, though the lock is held
        remaining, _interval = signal.setitimer(signal.ITIMER_REAL, 0)
        assert 0 < remaining <= HANDOFF_AFTER

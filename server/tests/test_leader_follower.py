"""The threads that take turns: short tasks stay with one of them, a long one keeps nobody waiting."""

import itertools
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from server.leader_follower import Crew, Task

PATIENCE = 0.02
LONG = 0.3


class Work:
    """A crew of three, the tasks that it is given, and which thread did what and when it was done."""

    def __init__(self, patience: float, rest: Callable[[], object]) -> None:
        self.tasks: queue.Queue[Task] = queue.Queue()
        self.done: dict[object, tuple[int, float]] = {}
        self.crew = Crew(self.next_task, patience, rest)
        self.threads = [threading.Thread(target=self.crew.work) for _ in range(3)]

    def next_task(self) -> Task | None:
        try:
            return self.tasks.get(timeout=0.05)
        except queue.Empty:
            return None

    def give(self, name: object, seconds: float = 0) -> None:
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
def at_work(patience: float, rest: Callable[[], object] = bool) -> Iterator[Work]:
    before = signal.getsignal(signal.SIGALRM)
    work = Work(patience, rest)
    for thread in work.threads:
        thread.start()
    try:
        yield work
    finally:
        work.crew.dismissed = True
        for thread in work.threads:
            thread.join(10)
        signal.signal(signal.SIGALRM, before)
    assert not any(thread.is_alive() for thread in work.threads)


def test_short_tasks_are_done_in_order_by_one_thread() -> None:
    with at_work(patience=5) as work:
        for name in range(100):
            work.give(name)
        work.wait_for(lambda: len(work.done) == 100)
    assert list(work.done) == list(range(100))
    assert len({thread for thread, _at in work.done.values()}) == 1


def test_long_tasks_keep_a_short_one_waiting_only_for_a_moment() -> None:
    with at_work(PATIENCE) as work:
        started = time.monotonic()
        work.give("first long", LONG)
        work.give("second long", LONG)
        work.give("short")
        work.wait_for(lambda: len(work.done) == 3)
    assert work.done["short"][1] - started < LONG / 2
    assert len({thread for thread, _at in work.done.values()}) == 3


def test_who_was_relieved_takes_turns_again() -> None:
    with at_work(PATIENCE) as work:
        for turn in range(4):
            for number in range(3):
                work.give((turn, number), 2 * PATIENCE)
        work.wait_for(lambda: len(work.done) == 12)
        assert 1 < len({thread for thread, _at in work.done.values()}) <= 3


def test_without_patience_tasks_are_done_side_by_side() -> None:
    together = threading.Barrier(3)
    with at_work(patience=0) as work:
        for _ in range(3):
            work.tasks.put(lambda: together.wait(5))
        work.wait_for(lambda: together.n_waiting == 0 and work.tasks.empty())
    assert not together.broken


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_an_error_at_rest_the_others_go_on() -> None:
    def fail_in_the_first_two() -> None:
        if next(rests) < 2:
            raise RuntimeError

    rests = itertools.count()
    with at_work(PATIENCE, fail_in_the_first_two) as work:
        work.wait_for(lambda: sum(thread.is_alive() for thread in work.threads) == 1)
        for name in range(3):
            work.give(name, 2 * PATIENCE)
        work.wait_for(lambda: len(work.done) == 3)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_after_an_error_the_others_go_on() -> None:
    def wrong() -> None:
        raise RuntimeError

    with at_work(patience=5) as work:
        work.tasks.put(wrong)
        work.give("next")
        work.wait_for(lambda: "next" in work.done)

import time
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from server.leader_follower import Task
from server.task_queue import LARGE_BODY, MAX_KINDS, MAX_LONG_WAIT, Costs, Duration, TaskQueue


class Named:
    """A task that only has a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> None:
        """Do nothing."""


def fail() -> None:
    raise ZeroDivisionError


def name_of(task: Any) -> str:
    while isinstance(task, partial):
        task = task.args[0]
    return str(task.name)


def begun(queue: TaskQueue, rounds: int = 1) -> dict[str, Task]:
    """Return what the leader begins in so many rounds, by name, none of which has ended."""
    tasks = []
    for _ in range(rounds):
        if task := queue.begin_round():
            tasks.append(task)
        while task := queue.next():
            tasks.append(task)
    return {name_of(task): task for task in tasks}


def taken(queue: TaskQueue, rounds: int = 1) -> list[str]:
    """Return the names of what the leader does in so many rounds, one after the other."""
    names = []
    for _ in range(rounds):
        if task := queue.begin_round():
            names.append(name_of(task))
            task()
        while task := queue.next():
            names.append(name_of(task))
            task()
    return names


def queue_of(threads: int = 4) -> TaskQueue:
    return TaskQueue(threads, bool)


def test_short_tasks_come_before_long_ones_and_each_round_has_one_long_one_at_most() -> None:
    queue = queue_of()
    queue.add_long(Named("long 1"), "caller")
    queue.add_long(Named("long 2"), "caller")
    queue.add(Named("short 1"))
    queue.add(Named("short 2"))
    assert taken(queue) == ["short 1", "short 2"]
    assert taken(queue) == ["long 1"]
    assert taken(queue) == ["long 2"]
    assert not queue.has_task


def test_a_long_task_that_has_waited_comes_first() -> None:
    queue = queue_of()
    queue.add_long(Named("long"), "caller")
    time.sleep(MAX_LONG_WAIT)
    queue.add(Named("short"))
    assert taken(queue) == ["long", "short"]


def test_writes_leave_one_thread_to_what_reads() -> None:
    queue = queue_of()
    for number in range(4):
        queue.add(Named(f"write {number}"), writes=True)
    queue.add(Named("read"))
    under_way = begun(queue)
    assert [*under_way] == ["write 0", "write 1", "write 2", "read"]
    assert not queue.has_task
    under_way["write 1"]()
    queue.add(Named("later"), writes=True)
    assert [*begun(queue)] == ["write 3"]


def test_any_number_of_short_reads_leave_writes_their_threads() -> None:
    queue = queue_of()
    for number in range(10):
        queue.add(Named(f"read {number}"))
    queue.add(Named("write"), writes=True)
    assert "write" in begun(queue)


def test_long_tasks_leave_two_threads_also_beside_writes() -> None:
    queue = queue_of()
    for number in range(3):
        queue.add_long(Named(f"long {number}"), "caller")
    first = begun(queue, rounds=3)
    assert [*first] == ["long 0", "long 1"]
    queue.add(Named("write"), writes=True)
    write = begun(queue)["write"]
    first["long 0"]()
    assert not queue.has_task
    write()
    assert [*begun(queue)] == ["long 2"]


def test_the_leader_is_told_when_what_another_task_waits_for_has_ended() -> None:
    told = []
    queue = TaskQueue(2, lambda: told.append(True))
    queue.add(Named("first"), writes=True)
    first = begun(queue)["first"]
    queue.add(Named("second"), writes=True)
    assert not begun(queue)
    first()
    assert told == [True]
    begun(queue)["second"]()
    assert told == [True]


def test_a_task_that_fails_leaves_its_thread_to_others() -> None:
    queue = queue_of(threads=1)
    queue.add_long(fail, "caller", slow=True)
    failing = queue.begin_round()
    assert failing
    with pytest.raises(ZeroDivisionError):
        failing()
    queue.add_long(Named("slow"), "caller", slow=True)
    assert taken(queue) == ["slow"]


def test_one_slow_task_runs_at_a_time_and_others_go_on() -> None:
    queue = queue_of()
    for name in ("slow 1", "slow 2"):
        queue.add_long(Named(name), "caller", slow=True)
    first = begun(queue)
    queue.add_long(Named("long"), "caller")
    queue.add(Named("short"))
    assert taken(queue, 2) == ["short", "long"]
    assert not queue.has_task
    first["slow 1"]()
    assert taken(queue) == ["slow 2"]


def test_a_slow_task_that_has_waited_comes_before_later_long_ones() -> None:
    queue = queue_of()
    queue.add_long(Named("slow"), "caller", slow=True)
    time.sleep(MAX_LONG_WAIT)
    queue.add_long(Named("long"), "caller")
    queue.add(Named("short"))
    assert taken(queue) == ["slow", "short"]


def test_a_caller_with_many_long_tasks_keeps_no_other_waiting() -> None:
    queue = queue_of()
    for number in range(3):
        queue.add_long(Named(f"many {number}"), "one")
    queue.add_long(Named("few"), "other")
    queue.add_long(Named("few, later"), "other")
    assert taken(queue, 6) == ["many 0", "few", "many 1", "few, later", "many 2"]
    assert not queue.has_task


def test_a_single_thread_does_everything() -> None:
    queue = queue_of(threads=1)
    queue.add_long(Named("long"), "caller")
    queue.add(Named("write"), writes=True)
    assert taken(queue, 2) == ["write", "long"]


def test_a_kind_of_request_is_long_by_the_average_of_its_latest() -> None:
    costs = Costs()
    one, other = (
        SimpleNamespace(method="GET", path=f"/incidents/{number}/", body_bytes=0) for number in (7, 12345)
    )
    another = SimpleNamespace(method="POST", path="/incidents/7/", body_bytes=0)
    with costs.measured(one):
        pass
    assert costs.duration(one) is Duration.SHORT
    for _ in range(5):
        costs.add("GET /incidents/0/", cpu_seconds=0.02, seconds=0.02)
    assert costs.duration(one) is Duration.LONG
    assert costs.duration(other) is Duration.LONG
    assert costs.duration(another) is Duration.SHORT
    for _ in range(10):
        costs.add("GET /incidents/0/", cpu_seconds=0.001, seconds=0.001)
    assert costs.duration(one) is Duration.SHORT
    costs.add("POST /incidents/0/", cpu_seconds=0.001, seconds=0.2)
    assert costs.duration(another) is Duration.SHORT  # The first one also loads what later ones find.
    costs.add("POST /incidents/0/", cpu_seconds=0.001, seconds=0.5)
    assert costs.duration(another) is Duration.LONG


def test_a_kind_of_request_is_slow_from_a_second_on() -> None:
    costs = Costs()
    statistics = SimpleNamespace(method="GET", path="/statistics/", body_bytes=0)
    for _ in range(3):
        costs.add("GET /statistics/", cpu_seconds=2.0, seconds=2.0)
    assert costs.duration(statistics) is Duration.LONG
    costs.add("GET /statistics/", cpu_seconds=2.0, seconds=2.0)
    assert costs.duration(statistics) is Duration.SLOW


def test_a_large_body_is_slow_whatever_others_of_its_path_take_and_makes_them_no_longer() -> None:
    costs = Costs()
    alert, storm = (
        SimpleNamespace(method="POST", path="/hooks/", body_bytes=size)
        for size in (LARGE_BODY, LARGE_BODY + 1)
    )
    costs.add("POST /hooks/", cpu_seconds=0.001, seconds=0.001)
    for _ in range(10):
        with costs.measured(storm):
            time.sleep(0.15)
    assert (costs.duration(alert), costs.duration(storm)) == (Duration.SHORT, Duration.SLOW)


def test_what_is_known_of_costs_is_bounded_and_made_up_paths_do_not_displace_what_is_asked_for() -> None:
    costs = Costs()
    export = SimpleNamespace(method="GET", path="/export/", body_bytes=0)
    for number in range(2 * MAX_KINDS):
        costs.add("GET /export/", 1.0, 1.0)
        costs.add(f"GET /{chr(200 + number)}", 0.0, 0.0)
    assert len(costs.averages) == MAX_KINDS
    assert costs.duration(export) is Duration.LONG

import time
from types import SimpleNamespace

from server.task_queue import LARGE_BODY, MAX_KINDS, Costs, Duration, TaskQueue


class Named:
    """A task that only has a name."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self) -> None:
        """Do nothing."""


def taken(queue: TaskQueue, rounds: int = 1) -> list[str]:
    """Return the names of what the leader does in so many rounds."""
    names = []
    for _ in range(rounds):
        task = queue.begin_round()
        while task:
            names.append(getattr(task, "name", ""))
            task = queue.next()
        while task := queue.next():
            names.append(getattr(task, "name", ""))
    return names


def queue_with(free: list[int], threads: int = 4) -> TaskQueue:
    return TaskQueue(threads, lambda: free[0])


def test_short_tasks_come_before_long_ones_and_each_round_has_one_long_one_at_most() -> None:
    queue = queue_with([3])
    queue.add(Named("long 1"), Duration.LONG)
    queue.add(Named("long 2"), Duration.LONG)
    queue.add(Named("short 1"))
    queue.add(Named("short 2"))
    assert taken(queue) == ["short 1", "short 2"]
    assert taken(queue) == ["long 1"]
    assert taken(queue) == ["long 2"]
    assert not queue.has_task


def test_a_long_task_that_has_waited_comes_first() -> None:
    queue = queue_with([3])
    queue.add(Named("long"), Duration.LONG)
    queue.long[0] = (queue.long[0][0], 0.0)
    queue.add(Named("short"))
    assert taken(queue) == ["long", "short"]


def test_long_tasks_leave_two_threads_and_writes_one() -> None:
    free = [1]
    queue = queue_with(free)
    queue.add(Named("long"), Duration.LONG)
    queue.add(Named("write"), writes=True)
    queue.add(Named("read"))
    assert taken(queue) == ["write", "read"]
    free[0] = 0
    queue.add(Named("write"), writes=True)
    queue.add(Named("read"))
    assert taken(queue) == ["read"]
    assert (queue.waits_for_thread, queue.has_task) == (True, False)
    free[0] = 2
    assert (queue.waits_for_thread, queue.has_task) == (True, True)
    queue.add(Named("later"), writes=True)
    assert taken(queue, 2) == ["write", "later", "long"]


def test_one_slow_task_runs_at_a_time_and_others_go_on() -> None:
    queue = queue_with([3])
    for name in ("slow 1", "slow 2"):
        queue.add(Named(name), Duration.SLOW)
    slow = queue.begin_round()
    assert slow
    queue.add(Named("long"), Duration.LONG)
    queue.add(Named("short"))
    assert taken(queue, 2) == ["short", "long"]
    assert (queue.has_task, queue.waits_for_thread) == (False, True)
    slow()
    assert queue.has_task
    again = queue.begin_round()
    assert again
    assert not queue.slow


def test_a_slow_task_that_has_waited_comes_before_later_long_ones() -> None:
    queue = queue_with([3])
    queue.add(Named("slow"), Duration.SLOW)
    queue.slow[0] = (queue.slow[0][0], 0.0)
    queue.add(Named("long"), Duration.LONG)
    queue.add(Named("short"))
    assert queue.begin_round()
    assert not queue.slow
    assert taken(queue) == ["short"]


def test_a_single_thread_does_everything() -> None:
    queue = queue_with([0], threads=1)
    queue.add(Named("long"), Duration.LONG)
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

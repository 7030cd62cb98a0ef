"""What is acknowledged is on the disk, for whose sake clients wait together."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.backends.signals import connection_created
from pytest_django import Settings

from common.db import group_commit
from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from testing.disks import SECONDS
from testing.served import Answer, Service, request_bytes, served

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL waits by itself")

CREATE, READ = "/incidents/create/", "/incidents/get_all/"
ORIGIN = Origin(None, Event.Channel.POST)


def report(key: str | None = None) -> int:
    return services.create(NewIncident("Самокат", Source.OPERATOR, idempotency_key=key), ORIGIN).id


def reopen(pk: int) -> None:
    services.change(pk, ORIGIN, status=Status.OPEN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "waits"),
    [
        (lambda _pk: report(), True),
        (lambda pk: Incident.objects.filter(pk=pk).update(description="Другой"), True),
        # These write nothing, but tell what somebody else may have written a moment ago.
        (lambda _pk: report("known"), True),
        (reopen, True),
        (lambda _pk: list(Incident.objects.all()), False),
        (lambda _pk: None, False),
    ],
    ids=["create", "update", "key used before", "status that stands already", "read", "nothing"],
)
def test_what_tells_of_writes_waits_for_the_disk(act: Callable[[int], object], waits: bool) -> None:
    pk = report("known")
    group_commit.is_to_be_waited_for()
    act(pk)
    assert group_commit.is_to_be_waited_for() is waits
    assert not group_commit.is_to_be_waited_for()


@pytest.mark.django_db(transaction=True)
def test_a_write_is_waited_for_when_its_connection_was_lost_since(
    connected_as_in_the_server: None,
) -> None:
    connection.close()
    report()
    group_commit.is_to_be_waited_for()
    report()
    connection.close()
    list(Incident.objects.all())
    assert group_commit.is_to_be_waited_for()


@pytest.fixture
def connected_as_in_the_server() -> Iterator[None]:
    assert group_commit.leave_waiting_to_the_server()
    yield
    connection_created.disconnect(group_commit.commit_to_the_kernel)
    connection.close()


def how_commits_wait() -> int:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_where_no_server_waits_each_commit_does() -> None:
    assert how_commits_wait() == 2


@pytest.mark.django_db(transaction=True)
def test_where_the_server_waits_commits_do_not(connected_as_in_the_server: None) -> None:
    assert how_commits_wait() == 1


@pytest.mark.django_db(transaction=True)
def test_who_chose_not_to_wait_waits_nowhere(settings: Settings) -> None:
    settings.SQLITE_SYNCHRONOUS = "NORMAL"
    assert not group_commit.leave_waiting_to_the_server()


# The server on a slow disk, and on one that fails


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[Service, str]]:
    with served(GUNICORN_CMD_ARGS="--worker-class testing.disks.Slow --workers 1") as service:
        yield service, service.token()


def create(service: Service, token: str, **fields: str) -> Answer:
    return service.post(CREATE, token=token, incident="Самокат", source="operator", **fields)


def took(call: Callable[[], Answer], status: int) -> float:
    started = time.monotonic()
    assert call().status == status
    return time.monotonic() - started


def test_an_answer_waits_for_the_disk_only_if_it_tells_of_a_write(slow: tuple[Service, str]) -> None:
    service, token = slow
    assert took(lambda: create(service, token, idempotency_key="once"), 201) >= SECONDS
    assert took(lambda: create(service, token, idempotency_key="once"), 200) >= SECONDS
    assert took(lambda: service.post(READ, token=token), 200) < SECONDS


def test_who_reads_does_not_wait_for_who_writes(slow: tuple[Service, str]) -> None:
    service, token = slow
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(create, service, token)
        time.sleep(SECONDS / 5)
        assert took(lambda: service.post(READ, token=token), 200) < SECONDS / 2
        assert not writing.done()
        assert writing.result().status == 201


def test_many_writers_wait_together(slow: tuple[Service, str]) -> None:
    service, token = slow
    started = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _one: create(service, token), range(20)))
    assert [answer.status for answer in answers] == [201] * 20
    assert time.monotonic() - started < 20 * SECONDS / 2


def test_on_a_disk_that_fails_nobody_is_told_of_a_write() -> None:
    with served(GUNICORN_CMD_ARGS="--worker-class testing.disks.Failing") as service:
        token = service.token()
        create(service, token)
        failing = service.folder / "data" / "failing"
        failing.touch()
        content = json.dumps({"token": token, "incident": "Самокат", "source": "operator"}).encode()
        with pytest.raises((http.client.HTTPException, OSError)):
            service.raw(request_bytes("POST", CREATE, content))
        failing.unlink()
        deadline = time.monotonic() + 20
        while True:
            try:
                if create(service, token, idempotency_key="again").status in (200, 201):
                    break
            except (http.client.HTTPException, OSError):
                assert time.monotonic() < deadline
        # The other worker may answer before this one has said why it stops.
        log = service.folder / "log"
        while "A thread ended, the worker stops" not in log.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert "Input/output error" in log.read_text()

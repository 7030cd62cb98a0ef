"""Group commit: what is acknowledged is on the disk, and one sync serves many responses."""

import contextlib
import errno
import http.client
import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created
from pytest_django import Settings

from common.db import group_commit
from incidents import services
from incidents.models import Event, Incident, Source, Status
from incidents.services import NewIncident, Origin
from testing.disks import SECONDS
from testing.service import Response, Service, request_bytes, served

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL syncs by itself")

CREATE, READ = "/incidents/create/", "/incidents/get_all/"
ORIGIN = Origin(None, Event.Channel.POST)


def report(key: str | None = None) -> int:
    return services.create(NewIncident("Самокат", Source.OPERATOR, idempotency_key=key), ORIGIN).id


def reopen(pk: int) -> None:
    services.change(pk, ORIGIN, status=Status.OPEN)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("act", "needed"),
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
def test_a_response_that_tells_of_writes_needs_a_sync(act: Callable[[int], object], needed: bool) -> None:
    pk = report("known")
    group_commit.needs_sync()
    act(pk)
    assert group_commit.needs_sync() is needed
    assert not group_commit.needs_sync()


@pytest.mark.django_db(transaction=True)
def test_a_write_is_synced_when_its_connection_was_lost_since(
    group_commit_enabled: None,
) -> None:
    connection.close()
    report()
    group_commit.needs_sync()
    report()
    connection.close()
    list(Incident.objects.all())
    assert group_commit.needs_sync()


@pytest.fixture
def group_commit_enabled() -> Iterator[None]:
    assert group_commit.enable_group_commit()
    yield
    connection_created.disconnect(group_commit.set_synchronous_normal)
    connection.close()


def synchronous() -> int:
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous")
        return int(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_without_group_commit_each_commit_syncs() -> None:
    assert synchronous() == 2


@pytest.mark.django_db(transaction=True)
def test_with_group_commit_no_commit_syncs(group_commit_enabled: None) -> None:
    assert synchronous() == 1


@pytest.mark.django_db(transaction=True)
def test_synchronous_normal_is_not_synced_by_group_commit(settings: Settings) -> None:
    settings.SQLITE_SYNCHRONOUS = "NORMAL"
    assert not group_commit.enable_group_commit()


# The server on a slow disk, and on one that fails


@pytest.fixture(scope="module")
def slow() -> Iterator[tuple[Service, str]]:
    with served(GUNICORN_CMD_ARGS="--worker-class testing.disks.Slow --workers 1") as service:
        yield service, service.token()


def create(service: Service, token: str, **fields: str) -> Response:
    return service.post(CREATE, token=token, incident="Самокат", source="operator", **fields)


def creation(token: str) -> bytes:
    content = json.dumps({"token": token, "incident": "Самокат", "source": "operator"}).encode()
    return request_bytes("POST", CREATE, content)


def took(call: Callable[[], Response], status: int) -> float:
    started = time.monotonic()
    assert call().status == status
    return time.monotonic() - started


def test_a_response_waits_for_a_sync_only_if_it_tells_of_a_write(slow: tuple[Service, str]) -> None:
    service, token = slow
    assert took(lambda: create(service, token, idempotency_key="once"), 201) >= SECONDS
    assert took(lambda: create(service, token, idempotency_key="once"), 200) >= SECONDS
    assert took(lambda: service.post(READ, token=token), 200) < SECONDS


def test_a_reader_does_not_wait_for_the_sync_of_a_writer(slow: tuple[Service, str]) -> None:
    service, token = slow
    with ThreadPoolExecutor() as threads:
        writing = threads.submit(create, service, token)
        time.sleep(SECONDS / 5)
        assert took(lambda: service.post(READ, token=token), 200) < SECONDS / 2
        assert not writing.done()
        assert writing.result().status == 201


def test_one_sync_serves_many_writers(slow: tuple[Service, str]) -> None:
    service, token = slow
    started = time.monotonic()
    with ThreadPoolExecutor(20) as threads:
        responses = list(threads.map(lambda _one: create(service, token), range(20)))
    assert [response.status for response in responses] == [201] * 20
    assert time.monotonic() - started < 20 * SECONDS / 2


@pytest.fixture
def failing() -> Iterator[tuple[Service, str]]:
    with served(GUNICORN_CMD_ARGS="--worker-class testing.disks.Failing") as service:
        yield service, service.token()


def fail(service: Service, token: str) -> None:
    """Create an incident whose sync fails, once."""
    (service.folder / "data" / "failing").touch()
    with pytest.raises((http.client.HTTPException, OSError)):
        create(service, token, idempotency_key="failed")


def eventually(call: Callable[[], Response]) -> Response:
    deadline = time.monotonic() + 20
    while True:
        try:
            return call()
        except (http.client.HTTPException, OSError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def stored_without_log(service: Service) -> list[str]:
    """Return the keys in the database's file alone: the log may not be on the disk."""
    copy = service.folder / "copy.sqlite3"
    shutil.copy(service.folder / "data" / "incidents.sqlite3", copy)
    with contextlib.closing(sqlite3.connect(copy)) as database:
        found = database.execute("SELECT idempotency_key FROM incidents_incident ORDER BY id").fetchall()
    return [key for (key,) in found]


def test_after_a_failed_sync_all_workers_end_and_the_log_is_in_the_database_before_the_next_response(
    failing: tuple[Service, str],
) -> None:
    service, token = failing
    create(service, token, idempotency_key="before")
    before = children(service)
    fail(service, token)
    response = eventually(lambda: create(service, token, idempotency_key="after"))
    assert response.status == 201
    deadline = time.monotonic() + 5
    while before & children(service):  # A killed one stays for as long as the master does not look.
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert stored_without_log(service)[:2] == ["before", "failed"]
    assert not (service.folder / "data" / ".sync_failed").exists()
    log = (service.folder / "log").read_text()
    assert "The disk failed, the worker ends at once" in log
    assert "Input/output error" in log


def test_after_a_failed_sync_nothing_is_acknowledged_while_another_process_is_connected(
    failing: tuple[Service, str],
) -> None:
    service, token = failing
    with contextlib.closing(sqlite3.connect(service.folder / "data" / "incidents.sqlite3")) as other:
        other.execute("SELECT count(*) FROM incidents_incident").fetchone()
        fail(service, token)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            with contextlib.suppress(http.client.HTTPException, OSError):
                assert service.raw(creation(token), seconds=1).status == 503
        assert (service.folder / "data" / ".sync_failed").exists()
    assert eventually(lambda: create(service, token, idempotency_key="failed")).status in (200, 201)


def test_a_service_that_starts_after_a_failed_sync_recovers_first(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with served(DATA_DIR=str(data)) as service:
        token = service.token()
        mark = data / ".sync_failed"
        # Killed at once, as after a failed sync.
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
        mark.touch()
    with served(DATA_DIR=str(data), GUNICORN_CMD_ARGS="--worker-class gthread") as service:
        assert not mark.exists()
        assert create(service, token).status == 201


@pytest.mark.django_db(transaction=True)
def test_no_process_writes_between_a_failed_sync_and_the_recovery(
    monkeypatch: pytest.MonkeyPatch, group_commit_enabled: None, tmp_path: Path
) -> None:
    # A database of its own: a live server of an earlier test may be connected to the shared one.
    own = tmp_path / "own.sqlite3"
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [str(own)])
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(own))
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA journal_mode=WAL")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    report()
    with monkeypatch.context() as failing:
        failing.setattr(group_commit, "flush", fail)
        with pytest.raises(OSError, match="Input/output"):
            group_commit.sync()
    with pytest.raises(OSError, match="another process"):
        group_commit.sync()
    with pytest.raises(OperationalError, match="not recovered"):
        report()
    with pytest.raises(sqlite3_error(), match="locked"):
        group_commit.recover()  # while this thread is connected
    connection.close()
    group_commit.recover()
    report()
    group_commit.sync()


def children(service: Service) -> set[int]:
    found = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children").read_text()
    return {int(pid) for pid in found.split()}


def sqlite3_error() -> type[Exception]:
    from django.db.backends.sqlite3.base import Database  # type: ignore[attr-defined]

    error: type[Exception] = Database.OperationalError
    return error

import time
from collections.abc import Iterator

import pytest
from django.db import Error, connection
from django.db.backends.signals import connection_created

from common.db import query_limit
from common.db.errors import is_transient
from incidents.models import Incident
from testing.clients import Post, Rest, new_client
from users.models import User

ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n",
    "postgresql": "SELECT pg_sleep(60)",
}


@pytest.fixture
def one_second(transactional_db: None) -> Iterator[None]:
    connection.close()
    query_limit.enable(1)
    yield
    connection_created.disconnect(dispatch_uid="query_limit")
    connection.close()


def run_endless_query() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS[connection.vendor])


def test_a_statement_that_takes_too_long_is_interrupted_and_the_connection_goes_on(one_second: None) -> None:
    started = time.monotonic()
    with pytest.raises(Error) as caught:
        run_endless_query()
    assert 0.9 < time.monotonic() - started < 3
    assert is_transient(caught.value)
    time.sleep(0.3)
    assert Incident.objects.count() == 0


def test_the_limit_is_of_each_statement_by_itself(one_second: None) -> None:
    with connection.cursor() as cursor:
        for _statement in range(3):
            cursor.execute("SELECT 1")
            time.sleep(0.4)
            assert cursor.fetchall() == [(1,)]


def test_without_it_a_command_may_take_its_time(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",)
        else:
            cursor.execute(ENDLESS["sqlite"].replace("FROM n)", "FROM n WHERE i < 1000000)"))
            assert cursor.fetchone() == (1_000_000,)


def test_it_is_responded_to_in_the_form_of_each_channel(
    one_second: None, olga: User, post: Post, rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    for target in (
        "incidents.api.post.fields.status_filter",
        "incidents.api.rest.views.query_of",
    ):
        monkeypatch.setattr(target, lambda *_args, **_kwargs: run_endless_query())
    response = post("/incidents/get_all/", {}, by=olga)
    assert response.verdict == (503, "Service is busy, try again")
    assert rest("GET", "/api/incidents/", by=olga).status == 503
    monkeypatch.setattr("incidents.web.change_token.newest_event_id", run_endless_query)
    browser = new_client()
    browser.raise_request_exception = False
    browser.force_login(olga)
    assert browser.get("/").status_code == 503

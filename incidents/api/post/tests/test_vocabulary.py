from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.api.post import vocabulary
from incidents.models import Incident, Source, Status
from testing.clients import Post
from users.models import User

stored = st.sampled_from(Status)
values = st.sampled_from(["new", "processing", "completed", "fake", "unknown"])


def write(status: Status, value: str) -> Status:
    return status if status in vocabulary.statuses_read_as(value) else vocabulary.POST_TO_STORED_STATUS[value]


@given(stored, values)
def test_what_you_write_you_read(status: Status, value: str) -> None:
    assert vocabulary.STORED_TO_POST_STATUS[write(status, value)] == value


@given(stored)
def test_writing_what_you_already_read_changes_nothing(status: Status) -> None:
    assert write(status, vocabulary.STORED_TO_POST_STATUS[status]) == status


@given(stored, values, values)
def test_the_last_write_wins(status: Status, first: str, last: str) -> None:
    assert vocabulary.STORED_TO_POST_STATUS[write(write(status, first), last)] == last


@given(values, values)
def test_no_status_is_found_by_two_filters(first: str, second: str) -> None:
    shared = vocabulary.statuses_read_as(first) & vocabulary.statuses_read_as(second)
    assert shared == (vocabulary.statuses_read_as(first) if first == second else set())


def test_the_filters_find_every_status() -> None:
    found = [
        status for value in vocabulary.POST_TO_STORED_STATUS for status in vocabulary.statuses_read_as(value)
    ]
    assert sorted(found) == sorted(Status)


def test_the_statuses_are_those_of_the_contract() -> None:
    assert {status.value: vocabulary.STORED_TO_POST_STATUS[status] for status in Status} == {
        "open": "new",
        "in_progress": "processing",
        "resolved": "completed",
        "closed": "completed",
        "cancelled": "fake",
        "fake": "fake",
        "unknown": "unknown",
    }
    assert {value: status.value for value, status in vocabulary.POST_TO_STORED_STATUS.items()} == {
        "new": "open",
        "processing": "in_progress",
        "completed": "resolved",
        "fake": "fake",
        "unknown": "unknown",
    }


def test_the_sources_are_those_of_the_contract() -> None:
    assert {source.value: vocabulary.STORED_TO_POST_SOURCE[source] for source in Source} == {
        "operator": "operator",
        "monitoring": "monitoring",
        "partner": "partner",
        "system": "unknown",
        "unknown": "unknown",
    }
    assert {value: source.value for value, source in vocabulary.POST_TO_STORED_SOURCE.items()} == {
        "operator": "operator",
        "monitoring": "monitoring",
        "partner": "partner",
        "unknown": "unknown",
    }
    for value, source in vocabulary.POST_TO_STORED_SOURCE.items():
        assert vocabulary.STORED_TO_POST_SOURCE[source] == value


@pytest.mark.parametrize("status", Status)
def test_the_laws_hold_over_the_wire(
    post: Post, olga: User, incident: Callable[..., Incident], status: Status
) -> None:
    for value in vocabulary.POST_TO_STORED_STATUS:
        one = incident(status=status)
        assert post("/incidents/update/", {"id": one.pk, "status": value}, by=olga).status == 200
        one.refresh_from_db()
        assert one.status == write(status, value)
        [listed] = post("/incidents/get_all/", {"limit": 1}, by=olga).data["incidents"]
        assert (listed["id"], listed["status"]) == (one.pk, value)


def test_the_five_filters_partition_all_incidents(
    post: Post, olga: User, incident: Callable[..., Incident]
) -> None:
    made = {incident(status=status).pk for status in Status for _twice in range(2)}
    found: list[int] = []
    for value in vocabulary.POST_TO_STORED_STATUS:
        response = post("/incidents/get_all/", {"status": value}, by=olga)
        assert {item["status"] for item in response.data["incidents"]} == {value}
        found += [item["id"] for item in response.data["incidents"]]
    assert len(found) == len(made)
    assert set(found) == made

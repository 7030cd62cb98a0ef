"""Before a server is measured: does it answer each work as it should?"""

from typing import Any

from bench.servers import Server

PAGE = 20
LISTED = 100


def check(server: Server, work: str) -> None:
    """Do the work once and look at the answer and at the database. Raises `AssertionError`."""
    incidents = server.count()
    events = 0 if server.kind.rest_only else server.count("incidents_event")
    call = server.call(work)
    if work == "update":
        # A walk of updates begins with the first incident: this one leaves it as the fill made it.
        server.updates += 1
    answer = server.answer(call.first())
    data = answer if "results" in answer or "id" in answer else answer["data"]
    match work:
        case "create":
            assert data["id"] == incidents + 1, answer
            assert server.count() == incidents + 1, "not stored"
        case "list" if not server.kind.rest_only:
            newest_first(data["incidents"], LISTED)
            assert {item["status"] for item in data["incidents"]} == {"new"}, answer
        case "list" | "page" | "page by status":
            newest_first(data["results"], PAGE)
            assert work != "page" or data["count"] == incidents, answer
        case "token":
            assert data["token"].startswith("inc_"), answer
    if work in {"create", "update"} and not server.kind.rest_only:
        assert server.count("incidents_event") == events + 1, "no event stored"


def newest_first(items: list[Any], number: int) -> None:
    assert len(items) == number, len(items)
    moments = [item["created_at"] for item in items]
    assert moments == sorted(moments, reverse=True), moments
    assert len({item["id"] for item in items}) == number, "an incident twice"

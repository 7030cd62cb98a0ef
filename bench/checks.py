"""One call of each workload before a server is measured: are the response and the database right?"""

from typing import Any

from bench.servers import Server

PAGE_SIZE = 20
LIST_SIZE = 100


def check(server: Server, workload: str) -> None:
    """Send the workload's call once and look at the response and the database. Raises `AssertionError`."""
    incidents = server.count()
    events = 0 if server.kind.rest_only else server.count("incidents_event")
    call = server.call(workload)
    if workload == "update":
        # The load's updates start behind this one: each must change a status.
        server.updates += 1
    response = server.send(call.filled_in(incident_id=1))
    data = response if "results" in response or "id" in response else response["data"]
    match workload:
        case "create":
            assert data["id"] == incidents + 1, response
            assert server.count() == incidents + 1, "not stored"
        case "hook":
            assert [result["outcome"] for result in response["results"]] == ["created"], response
            assert server.count() == incidents + 1, "not stored"
        case "hook again":
            server.send(call)
            incidents = server.count()
            again = server.send(call)
            assert [result["outcome"] for result in again["results"]] == ["repeated"], again
            assert server.count() == incidents, "stored twice"
        case "list" if not server.kind.rest_only:
            check_newest_first(data["incidents"], LIST_SIZE)
            assert {item["status"] for item in data["incidents"]} == {"new"}, response
        case "list" | "page" | "page by status":
            check_newest_first(data["results"], PAGE_SIZE)
            assert workload != "page" or data["count"] == incidents, response
        case "token":
            assert data["token"].startswith("inc_"), response
    if workload in {"create", "update", "hook"} and not server.kind.rest_only:
        assert server.count("incidents_event") == events + 1, "no event stored"


def check_newest_first(items: list[Any], number: int) -> None:
    assert len(items) == number, len(items)
    times = [item["created_at"] for item in items]
    assert times == sorted(times, reverse=True), times
    assert len({item["id"] for item in items}) == number, "an incident twice"

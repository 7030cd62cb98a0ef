"""What senders say and what becomes of it, from the first alert to the last: facts/receivers.md, part 13."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from incidents import services
from incidents.models import Event, Incident, Status
from incidents.services import Origin
from integrations.inbound.tests.examples import load
from integrations.models import Grouping, Kind
from integrations.tests.conftest import Connect, Hook, firing
from testing.clients import together
from users.models import User


def by_page(user: User) -> Origin:
    return Origin(user.pk, Event.Channel.PAGE)


def kinds(incident: Incident) -> list[str]:
    return list(incident.events.values_list("kind", flat=True))


def ended(payload: dict[str, Any]) -> dict[str, Any]:
    """Return the payload that resolves all alerts of another one."""
    end = timezone.now().isoformat()
    alerts = [alert | {"status": "resolved", "endsAt": end} for alert in payload["alerts"]]
    return payload | {"status": "resolved", "alerts": alerts}


# ------------------------------------------------------------------ keys


def test_the_same_alert_twice_is_one_incident(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    assert hook.post_example("alertmanager_firing").outcomes == ["created", "created"]
    assert hook.post_example("alertmanager_firing_of_peer").outcomes == ["repeated", "repeated"]
    assert hook.statuses == ["open", "open"]


@pytest.mark.django_db(transaction=True)
def test_16_parallel_posts_of_one_alert_leave_one_active_incident(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1")
    replies = together(16, lambda _number: Hook(hook.integration, hook.token).post(payload))
    assert [reply.status for reply in replies] == [202] * 16
    outcomes = sorted(outcome for reply in replies for outcome in reply.outcomes)
    assert outcomes == ["created", *["repeated"] * 15]
    [incident] = hook.incidents

    assert incident.repeats == 15


def test_a_key_is_the_senders_own_within_its_integration(connect: Connect) -> None:
    first, second = connect(Kind.ALERTMANAGER), connect(Kind.ALERTMANAGER)
    payload = firing("db1")
    assert first.post(payload).outcomes == second.post(payload).outcomes == ["created"]
    payload["alerts"][0]["annotations"]["summary"] = "Another text"
    assert first.post(payload).outcomes == ["repeated"]
    long = connect(Kind.GENERIC)
    for outcome in ("created", "repeated"):
        assert long.post({"title": "x", "dedup_key": "k" * 5000}).outcomes == [outcome]


def test_each_alert_of_a_mixed_post_has_its_own_status(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    hook.post_example("alertmanager_firing")
    assert sorted(hook.post_example("alertmanager_mixed").outcomes) == ["repeated", "resolved"]
    assert sorted(hook.statuses) == ["open", "resolved"]


# ------------------------------------------------------------------ what may be missing


@pytest.mark.parametrize("kind", [Kind.ALERTMANAGER, Kind.GRAFANA])
@pytest.mark.parametrize("nothing", [None, "", "absent"])
@pytest.mark.parametrize(
    "field", ["alertname", "severity", "summary", "annotations", "fingerprint", "generatorURL"]
)
def test_an_alert_without_a_field_is_taken(
    connect: Connect, kind: Kind, field: str, nothing: str | None
) -> None:
    hook = connect(kind)
    payload = firing("db1", generatorURL="http://prometheus/graph")
    [alert] = payload["alerts"]
    alert["labels"]["instance"] = "db1:9100"
    parts = {"alertname": alert["labels"], "severity": alert["labels"], "summary": alert["annotations"]}
    holder = parts.get(field, alert)
    if nothing == "absent":
        del holder[field]
    else:
        holder[field] = nothing
    assert hook.post(payload).outcomes == ["created"]
    assert hook.post(payload).outcomes == ["repeated"]
    assert hook.incidents[0].description.splitlines()[0]


def test_an_alert_of_one_label_has_a_title(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    hook.post(
        {"alerts": [{"status": "firing", "labels": {"host": "db1"}, "startsAt": "2026-08-22T14:00:00Z"}]}
    )
    assert hook.incidents[0].description.splitlines()[0] == "host: db1"


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "2026-08-22T14:32:08.326990857Z",
        "2026-08-22T16:32:08+02:00",
        "",
        None,
        "2026-08-22 14:32:08.123",
        7,
    ],
)
def test_no_time_of_a_sender_is_an_error_and_go_s_zero_time_is_not_stored(
    connect: Connect, value: object
) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1", startsAt=value, endsAt=value)
    assert hook.post(payload).outcomes == ["created"]
    assert hook.incidents[0].created_at > datetime(2026, 1, 1, tzinfo=UTC)
    payload["alerts"][0]["status"] = "resolved"
    assert hook.post(payload).status == 202
    assert "0001-01-01" not in hook.incidents[0].description


def test_unknown_fields_and_versions_are_ignored(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1", newField={"a": [1]}) | {"version": "99", "notification_reason": "x", "new": None}
    assert hook.post(payload).outcomes == ["created"]


def test_one_bad_alert_costs_the_others_nothing(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("a", "b", "c")
    payload["alerts"][1] = {"status": "exploded"}
    reply = hook.post(payload)
    assert (reply.status, reply.outcomes) == (202, ["created", "created", "rejected"])
    assert "alerts[1]" in reply.content["results"][2]["note"]
    assert len(hook.incidents) == 2
    refused = hook.post(payload | {"alerts": [None, 7]})
    assert (refused.status, len(refused.content["errors"])) == (400, 2)


# ------------------------------------------------------------------ ends


@pytest.mark.parametrize("kind", [Kind.ALERTMANAGER, Kind.GRAFANA])
def test_an_end_of_nothing_does_nothing_and_is_kept(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    reply = hook.post(ended(firing("db1")))
    assert (reply.status, reply.outcomes) == (202, ["ignored"])
    assert reply.content["results"][0]["note"]
    assert not hook.incidents
    assert hook.last_post.outcome == "ignored"


def test_an_end_before_the_start_does_not_resolve(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    now = timezone.now()
    hook.post(firing("db1", startsAt=now.isoformat()))
    late = firing(
        "db1",
        status="resolved",
        startsAt=(now - timedelta(hours=2)).isoformat(),
        endsAt=(now - timedelta(hours=1)).isoformat(),
    )
    assert hook.post(late).outcomes == ["ignored"]
    assert hook.statuses == ["open"]


def test_an_alert_that_is_merely_absent_is_not_resolved(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    hook.post(firing("a", "b"))
    assert hook.post(ended(firing("a"))).outcomes[0] == "resolved"
    assert hook.statuses == ["resolved", "open"]


def test_alerts_that_max_alerts_has_cut_are_told_of(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    hook.post(firing("a") | {"truncatedAlerts": 7})
    assert "7 more alerts" in hook.incidents[0].description


def test_the_reason_why_grafana_resolved_is_in_the_history(connect: Connect) -> None:
    hook = connect(Kind.GRAFANA)
    over = load("grafana_resolved_missing_series")
    fired = load("grafana_resolved_missing_series")
    for alert in fired["alerts"]:
        alert |= {"status": "firing", "endsAt": "0001-01-01T00:00:00Z"}
    hook.post(fired)
    assert hook.post(over).outcomes[0] == "resolved"
    assert "MissingSeries" in hook.incidents[0].events.latest("id").comment
    assert hook.post_example("grafana_no_data").outcomes[0] == "created"
    assert hook.incidents[-1].description.startswith("No data: ")


# ------------------------------------------------------------------ repeats, and what people do


def test_a_repeat_counts_and_leaves_status_assignee_and_history(connect: Connect, olga: User) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1")
    hook.post(payload)
    [incident] = hook.incidents
    services.change(incident.pk, by_page(olga), status=Status.IN_PROGRESS)
    before, events = hook.incidents[0], kinds(incident)
    assert hook.post(payload).outcomes == ["repeated"]
    [after] = hook.incidents
    assert (after.status, after.assignee_id) == ("in_progress", olga.pk)
    assert after.repeats == before.repeats + 1
    assert after.last_seen_at
    assert before.last_seen_at
    assert after.last_seen_at >= before.last_seen_at
    assert kinds(incident) == events


def test_what_a_person_resolved_and_still_fires_is_marked_and_not_reported_again(
    connect: Connect, olga: User
) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1")
    hook.post(payload)
    [incident] = hook.incidents
    services.change(incident.pk, by_page(olga), status=Status.RESOLVED)
    for _repeat in range(2):
        assert hook.post(payload).outcomes == ["still_firing"]
    assert hook.statuses == ["resolved"]
    later = firing("db1", startsAt=(timezone.now() + timedelta(seconds=1)).isoformat())
    assert hook.post(later).outcomes == ["created"]
    assert hook.statuses == ["resolved", "open"]


def test_an_alert_that_returns_soon_reopens_its_incident_and_later_is_a_new_one(connect: Connect) -> None:
    for minutes, outcome in ((10, "reopened"), (0, "created")):
        hook = connect(Kind.ALERTMANAGER, reopen_minutes=minutes)
        payload = firing("db1")
        hook.post(payload)
        assert hook.post(ended(payload)).outcomes[0] == "resolved"
        again = firing("db1", startsAt=(timezone.now() + timedelta(seconds=1)).isoformat())
        assert hook.post(again).outcomes == [outcome]
        assert hook.statuses == (["open"] if outcome == "reopened" else ["resolved", "open"])


# ------------------------------------------------------------------ choices of an integration


def test_a_group_is_one_incident_where_the_administrator_wants_it(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER, grouping=Grouping.GROUP)
    both = firing("a", "b")
    assert hook.post(both).outcomes == ["created"]
    mixed = both | {"alerts": [ended(both)["alerts"][0], both["alerts"][1]]}
    assert hook.post(mixed).outcomes == ["repeated"]
    assert "a is down" in hook.incidents[0].description
    assert "b is down" in hook.incidents[0].description
    assert hook.post(ended(both)).outcomes == ["resolved"]
    assert hook.statuses == ["resolved"]


def test_severities_are_mapped_by_the_table_of_the_integration(connect: Connect) -> None:
    hook = connect(Kind.GENERIC, severities={"page": "critical", "warning": None, "*": "info"})
    for number, (given, expected) in enumerate(
        (
            ("PAGE", "critical"),
            ("warning", None),
            ("error", "error"),
            ("unheard", "info"),
            (None, "info"),
            (7, "info"),
        )
    ):
        hook.post({"title": "x", "dedup_key": str(number), "severity": given})
        assert hook.incidents[-1].severity == expected
    plain = connect(Kind.GENERIC)
    plain.post({"title": "x", "severity": "unheard"})
    assert plain.incidents[-1].severity is None


# ------------------------------------------------------------------ tests of senders


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (Kind.GRAFANA, "grafana_test"),
        (Kind.UPTIME_KUMA, "uptime_kuma_test"),
        (Kind.HEALTHCHECKS, "healthchecks_test"),
        (Kind.PAGERDUTY, "pagerduty_kuma_test"),
    ],
)
def test_the_test_button_of_a_sender_is_received_and_leaves_nothing_open(
    connect: Connect, kind: Kind, name: str
) -> None:
    hook = connect(kind)
    assert hook.integration.first_received_at is None  # "waiting for the first event"
    reply = hook.post_example(name)
    assert (reply.status, reply.outcomes) == (202, ["test"])
    assert hook.last_post.outcome == "test"
    assert not hook.incidents
    hook.integration.refresh_from_db()
    assert hook.integration.first_received_at


def test_certificates_and_domains_of_uptime_kuma_are_one_incident_as_their_days_go_by(
    connect: Connect,
) -> None:
    hook = connect(Kind.UPTIME_KUMA)
    message = "[Shop][https://shop.example] server certificate shop.example will expire in {} days"
    for days, outcome in ((21, "created"), (14, "repeated"), (7, "repeated")):
        assert hook.post({"heartbeat": None, "monitor": None, "msg": message.format(days)}).outcomes == [
            outcome
        ]
    [incident] = hook.incidents
    assert incident.severity == "info"
    assert hook.post_example("uptime_kuma_domain").outcomes == ["created"]


def test_updates_of_zabbix_are_acknowledgements_and_comments(connect: Connect) -> None:
    hook = connect(Kind.ZABBIX)
    hook.post_example("zabbix_problem")
    assert hook.post_example("zabbix_acknowledged").outcomes == ["acknowledged"]
    assert hook.statuses == ["in_progress"]
    acknowledged = hook.incidents[0].events.latest("id")
    assert acknowledged.comment
    assert acknowledged.channel == "hook"
    assert acknowledged.by == hook.integration.user
    assert hook.post_example("zabbix_commented").outcomes == ["noted"]
    assert hook.post_example("zabbix_recovery").outcomes == ["resolved"]
    assert hook.post_example("zabbix_unexpanded").status == 202


# ------------------------------------------------------------------ bounds


def test_long_texts_are_cut_with_a_mark_and_never_refused(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    reply = hook.post({"title": "я" * 5_000, "details": "д" * 100_000, "dedup_key": "a"})
    assert reply.outcomes == ["created"]
    description = hook.incidents[0].description
    assert len(description) == 10_000
    assert description.endswith("…")


def test_texts_of_payloads_are_text(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    payload = firing("db1", generatorURL="javascript:alert(1)")
    payload["alerts"][0]["annotations"] = {"summary": "<b>{0.__class__}</b> {{ 7*7 }} %s", "x": "<script>"}
    hook.post(payload)
    description = hook.incidents[0].description
    assert description.startswith("<b>{0.__class__}</b> {{ 7*7 }} %s")
    assert "javascript:" not in description


def test_no_post_is_refused_for_its_rate_and_each_is_answered_at_once(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    slowest = 0.0
    for number in range(150):
        began = time.monotonic()
        assert hook.post(firing(f"db{number}")).status == 202
        slowest = max(slowest, time.monotonic() - began)
    assert len(hook.incidents) == 150
    assert slowest < 5  # of a machine that does other things, too; bench/ measures it


@pytest.mark.parametrize("grouping", Grouping)
def test_10_000_alerts_in_one_post_are_one_incident_that_ends_with_them(
    connect: Connect, grouping: Grouping
) -> None:
    hook = connect(Kind.ALERTMANAGER, grouping=grouping)
    payload = firing(*(f"host-{number}" for number in range(10_000)))
    began = time.monotonic()
    assert hook.post(payload).outcomes == ["created"]
    assert hook.post(payload).outcomes == ["repeated"]
    assert time.monotonic() - began < 20
    assert "10000 firing" in hook.incidents[0].description
    hook.post(ended(payload))
    assert hook.statuses == ["resolved"]

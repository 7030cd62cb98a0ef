"""The hooks as HTTP: tokens, methods, paths, sizes, and what is stored."""

import base64
import hashlib
import hmac
import json
import threading
import time
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import override_settings

from incidents import signal_service
from incidents.models import Incident
from integrations import received_posts, services
from integrations.inbound import body as hook_body
from integrations.models import Integration, Kind, ReceivedPost
from integrations.tests.conftest import Connect, Hook, firing
from testing.clients import database_held, token_of
from users.models import User

OTHER_TOKEN = "x" * 32
EVENTS: dict[Kind, dict[str, Any]] = {
    Kind.ALERTMANAGER: firing("db1"),
    Kind.GRAFANA: firing("db1"),
    Kind.UPTIME_KUMA: {"heartbeat": {"status": 0, "msg": "refused"}, "monitor": {"id": 7, "name": "Shop"}},
    Kind.ZABBIX: {"event_id": "8341", "event_value": "1", "event_name": "High CPU", "host": "db1"},
    Kind.HEALTHCHECKS: {"code": "a-b-c", "status": "down", "name": "backup", "slug": "backup"},
    Kind.PAGERDUTY: {"event_action": "trigger", "dedup_key": "a", "payload": {"summary": "Disk full"}},
    Kind.GENERIC: {"title": "Disk full", "dedup_key": "disk"},
}
every_kind = pytest.mark.parametrize("kind", Kind)


def basic(token: str) -> str:
    return "Basic " + base64.b64encode(f"anybody:{token}".encode()).decode()


@every_kind
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    "way",
    [
        "bearer",
        "other scheme",
        "basic",
        "api key",
        "query",
        "path",
        "path without slash",
        "query without slash",
    ],
)
def test_the_token_is_taken_from_wherever_a_sender_can_put_it(
    connect: Connect, kind: Kind, method: str, way: str
) -> None:
    hook = connect(kind)
    ways: dict[str, dict[str, str]] = {
        "bearer": {"Authorization": f"Bearer {hook.token}"},
        "other scheme": {"Authorization": f"Token {hook.token}"},
        "basic": {"Authorization": basic(hook.token)},
        "api key": {"X-Api-Key": hook.token},
        "query": {"path": f"{hook.path}?token={hook.token}"},
        "path": {"path": f"{hook.path}{hook.token}/"},
        "path without slash": {"path": f"{hook.path}{hook.token}"},
        "query without slash": {"path": f"{hook.path.rstrip('/')}?token={hook.token}"},
    }
    given = ways[way]
    headers = {"Accept": "*/*"} if "path" in given else given
    reply = hook.post(EVENTS[kind], method=method, path=given.get("path", ""), **headers)
    assert (reply.status, reply.outcomes) == (202, ["created"])
    assert reply.content["status"] == "success"
    assert reply.content["message"] == "Event processed"
    [incident] = hook.incidents
    [result] = reply.content["results"]
    assert result == {
        "dedup_key": reply.content["dedup_key"],
        "action": "trigger",
        "outcome": "created",
        "incident": incident.pk,
        "url": f"http://testserver/incident/{incident.pk}/",
    }


def test_pagerduty_clients_send_the_token_as_routing_key(connect: Connect) -> None:
    hook = connect(Kind.PAGERDUTY)
    for path in (
        "/hooks/pagerduty/v2/enqueue",
        "/hooks/pagerduty/v2/enqueue/",
        "/hooks/pagerduty/",
        "/hooks/pagerduty",
    ):
        event = EVENTS[Kind.PAGERDUTY] | {"routing_key": hook.token, "dedup_key": path}
        reply = hook.post(event, path=path, Accept="*/*")
        assert (reply.status, reply.outcomes) == (202, ["created"])
        assert hook.token not in hook.last_post.body


def test_the_body_of_a_stranger_is_not_decoded(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be 4 MB, which takes a second."""
    decoded: list[Any] = []
    decode = hook_body.decode

    def spy(*args: Any, **more: Any) -> dict[str, Any]:
        decoded.append(args)
        return decode(*args, **more)

    monkeypatch.setattr("integrations.views.body.decode", spy)
    hook = connect(Kind.PAGERDUTY)
    for key in ("", f'"routing_key": "{OTHER_TOKEN}"', f'"routing_key": ["{OTHER_TOKEN}"]'):
        assert hook.send(f"{{{key}}}".encode(), path="/hooks/pagerduty/madeUp/", Accept="*/*").status == 401
    assert not decoded
    hook.send(f'{{"routing_key": "{hook.token}"}}'.encode(), Accept="*/*")
    assert decoded


@pytest.mark.parametrize("form", ["json in json", "form", "multipart", "spaces"])
def test_a_routing_key_is_found_in_whatever_the_body_is(connect: Connect, form: str) -> None:
    hook = connect(Kind.PAGERDUTY)
    text = json.dumps(EVENTS[Kind.PAGERDUTY] | {"routing_key": hook.token})
    part = f'--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n{text}\r\n--x--\r\n'
    content, content_type = {
        "json in json": (json.dumps(text), "application/json"),
        "form": (urlencode({"data": text}), "application/x-www-form-urlencoded"),
        "multipart": (part, "multipart/form-data; boundary=x"),
        "spaces": (text.replace('": "', '" :\n\t" '), "application/json"),
    }[form]
    assert hook.send(content.encode(), content_type=content_type, Accept="*/*").status == 202


def test_the_response_lists_some_of_many_alerts_that_cannot_be_used(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    firing = {"status": "firing", "labels": {"alertname": "x"}, "fingerprint": "f1"}
    reply = hook.post({"alerts": [firing, *[0] * 5000]}, Authorization=f"Bearer {hook.token}")
    assert reply.status == 202
    assert len(reply.content["results"]) == 101


def test_more_alerts_than_a_real_post_holds_are_refused(connect: Connect) -> None:
    hook = connect(Kind.ALERTMANAGER)
    alert = {"status": "resolved", "labels": {}, "fingerprint": "f"}
    reply = hook.post({"alerts": [alert] * 10_001}, Authorization=f"Bearer {hook.token}")
    assert reply.status == 400
    assert "more than 10000" in reply.content["errors"][0]


@every_kind
@pytest.mark.parametrize(
    "authorization", ["", f"Bearer {OTHER_TOKEN}", "Bearer short", basic(OTHER_TOKEN), "\xff"]
)
def test_without_a_valid_token_nothing_is_stored(connect: Connect, kind: Kind, authorization: str) -> None:
    hook = connect(kind)
    for body in (json.dumps(EVENTS[kind]).encode(), b"", b"{", b"x" * (5 * 2**20)):
        reply = hook.send(body, Authorization=authorization)
        assert reply.status == 401
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.content["errors"]
    assert not ReceivedPost.objects.exists()
    assert not Incident.objects.exists()


@every_kind
def test_the_token_of_another_kind_is_told_where_to_post(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    other = next(one for one in Kind if one != kind)
    reply = hook.post(EVENTS[kind], path=f"/hooks/{other.value}/")
    assert reply.status == 401
    assert f"/hooks/{kind.value}/" in reply.content["message"]
    assert not ReceivedPost.objects.exists()


@every_kind
def test_a_disabled_integration_answers_403_until_it_is_enabled(connect: Connect, kind: Kind) -> None:
    hook = connect(kind, enabled=False)
    assert hook.post(EVENTS[kind]).status == 403
    assert not hook.incidents
    hook.integration.enabled = True
    services.save(hook.integration)
    assert hook.post(EVENTS[kind]).status == 202


def test_a_token_of_an_api_user_is_no_token_of_a_hook(connect: Connect, olga: User) -> None:
    hook = connect(Kind.GENERIC)
    assert hook.post(EVENTS[Kind.GENERIC], Authorization=f"Bearer {token_of(olga)}").status == 401


@every_kind
def test_both_tokens_of_a_rotation_are_valid(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    new = services.rotate(hook.integration)
    assert hook.post(EVENTS[kind]).status == 202
    assert hook.post(EVENTS[kind], Authorization=f"Bearer {new}").status == 202


@every_kind
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PATCH", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_other_methods_are_405(connect: Connect, kind: Kind, method: str, slash: str) -> None:
    hook = connect(kind)
    response: Any = hook.client.generic(
        method, hook.path.rstrip("/") + slash, headers={"Authorization": f"Bearer {hook.token}"}
    )
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST, PUT"
    assert not ReceivedPost.objects.exists()


def test_a_get_reports_only_with_an_explicit_action(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    query = "title=Backup+failed&dedup_key=backup-db1"
    for path in (f"/hooks/generic/{hook.token}?{query}", f"/hooks/generic/{hook.token}?{query}&action="):
        assert hook.send(method="GET", path=path, Accept="*/*").status == 405
    assert not hook.incidents
    path = f"/hooks/generic/{hook.token}?{query}&action=trigger"
    assert hook.client.head(path).status_code == 405
    assert not hook.incidents
    assert hook.send(method="GET", path=path, Accept="*/*").outcomes == ["created"]
    path = f"/hooks/generic/?token={hook.token}&dedup_key=backup-db1&action=ok"
    assert hook.send(method="GET", path=path, Accept="*/*").outcomes == ["resolved"]
    assert hook.statuses == ["resolved"]
    assert hook.last_post.body == "token=…&dedup_key=backup-db1&action=ok"


def test_a_post_without_a_body_may_have_its_event_in_the_query(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    reply = hook.send(path="/hooks/generic/?action=trigger&title=Disk+full&dedup_key=a")
    assert reply.outcomes == ["created"]
    assert hook.send(path="/hooks/generic/?title=Disk+full").status == 400


@pytest.mark.parametrize(
    "path", ["/hooks/", "/hooks", "/hooks/nagios/", "/hooks/grafana/a/b/", "/hooks/Grafana/"]
)
def test_an_unknown_hook_is_404_and_never_a_redirect(connect: Connect, path: str) -> None:
    hook = connect(Kind.GRAFANA)
    response: Any = hook.client.post(path, headers={"Authorization": f"Bearer {hook.token}"})
    assert response.status_code == 404


@every_kind
def test_a_browsers_session_and_other_sites_change_nothing(connect: Connect, kind: Kind, olga: User) -> None:
    hook = connect(kind)
    hook.client.force_login(olga)
    response: Any = hook.client.post(hook.path, json.dumps(EVENTS[kind]), content_type="application/json")
    assert response.status_code == 401
    assert "Set-Cookie" not in response.headers
    assert (
        hook.post(EVENTS[kind], Authorization=f"Bearer {hook.token}", Origin="https://evil.example").status
        == 202
    )


def test_an_unknown_host_name_is_told_in_json(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    reply = hook.send(b"{}", Authorization=f"Bearer {hook.token}", Host="incidents.unknown")
    assert reply.status == 400
    assert "ALLOWED_HOSTS" in reply.content["message"]


def test_the_urls_in_a_response_have_the_address_that_the_sender_used(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    with override_settings(
        HOST_NAMES=["incidents.lan"], SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https")
    ):
        reply = hook.post(
            EVENTS[Kind.GENERIC],
            Authorization=f"Bearer {hook.token}",
            Host="incidents.lan",
            **{"X-Forwarded-Proto": "https"},
        )
    assert reply.content["results"][0]["url"].startswith("https://incidents.lan/incident/")


# ------------------------------------------------------------------ sizes


def test_a_multipart_form_of_4_mib_is_read_and_a_larger_one_is_413(connect: Connect) -> None:
    hook = connect(Kind.UPTIME_KUMA)
    text = json.dumps(EVENTS[Kind.UPTIME_KUMA])
    head = '--x\r\nContent-Disposition: form-data; name="data"\r\n\r\n' + text
    end = "\r\n--x--\r\n"
    padding = settings.MAX_HOOK_BODY_BYTES - len(head) - len(end)
    for more, status in ((0, 202), (1, 413)):
        form = (head + " " * (padding + more) + end).encode()
        reply = hook.send(form, content_type="multipart/form-data; boundary=x")
        assert reply.status == status
    assert "4 MiB" in reply.content["message"]
    assert len(hook.incidents) == 1


@every_kind
def test_a_body_of_4_mib_is_read_and_a_larger_one_is_413_and_noted(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    limit = settings.MAX_HOOK_BODY_BYTES
    event = json.dumps(EVENTS[kind]).encode()
    assert hook.send(event + b" " * (limit - len(event))).status == 202
    reply = hook.send(event + b" " * (limit - len(event) + 1))
    assert reply.status == 413
    assert "max_alerts" in reply.content["message"]
    assert (hook.last_post.status, hook.last_post.outcome, hook.last_post.body) == (413, "refused", "")


# ------------------------------------------------------------------ what is stored


@every_kind
def test_a_post_is_kept_with_its_response(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    reply = hook.post(EVENTS[kind])
    post = hook.last_post
    assert json.loads(post.body) == EVENTS[kind]
    assert (post.method, post.content_type, post.status, post.outcome) == (
        "POST",
        "application/json",
        202,
        "processed",
    )
    assert json.loads(post.response) == reply.content


@every_kind
def test_a_refused_post_is_kept_with_the_reason(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)
    reply = hook.send(b"[1, 2]")
    assert (reply.status, reply.content["status"]) == (400, "invalid event")
    assert reply.content["errors"] == ["The body must be a JSON object"]
    assert (hook.last_post.status, hook.last_post.outcome, hook.last_post.body) == (400, "refused", "[1, 2]")
    assert json.loads(hook.last_post.response) == reply.content
    assert not hook.incidents


def test_a_post_that_says_nothing_is_202_and_kept_as_such(connect: Connect) -> None:
    hook = connect(Kind.UPTIME_KUMA)
    reply = hook.post({"heartbeat": {"status": 3, "monitorID": 7}, "monitor": {"id": 7}})
    assert (reply.status, reply.content["results"], reply.content["dedup_key"]) == (202, [], None)
    assert hook.last_post.outcome == "ignored"


@pytest.mark.django_db(transaction=True)
def test_a_post_is_stored_even_if_its_process_is_told_to_end(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_args: object) -> None:
        raise SystemExit

    hook = connect(Kind.GENERIC)
    monkeypatch.setattr(signal_service, "handle_and", die)
    with pytest.raises(SystemExit):
        hook.post(EVENTS[Kind.GENERIC])
    assert json.loads(hook.last_post.body) == EVENTS[Kind.GENERIC]
    assert (hook.last_post.outcome, hook.last_post.status) == ("", None)


# ------------------------------------------------------------------ trouble of our own


@pytest.mark.django_db(transaction=True)
def test_a_busy_database_is_503_after_trying_inside_the_request(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    began = time.monotonic()
    with database_held("integrations_integration, integrations_receivedpost, incidents_incident"):
        reply = hook.post(EVENTS[Kind.GENERIC])
    assert (reply.status, reply.headers["Retry-After"]) == (503, "1")
    assert 1 < time.monotonic() - began < 15
    assert hook.post(EVENTS[Kind.GENERIC]).outcomes == ["created"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_busy_for_a_moment_costs_the_sender_nothing(connect: Connect) -> None:
    hook = connect(Kind.GENERIC)
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database_held("integrations_receivedpost"):
            held.set()
            done.wait(0.7)

    other = threading.Thread(target=hold)
    other.start()
    held.wait(10)
    try:
        assert hook.post(EVENTS[Kind.GENERIC]).outcomes == ["created"]
    finally:
        done.set()
        other.join()


@pytest.mark.django_db(transaction=True)
def test_a_post_of_many_alerts_is_stored_before_it_is_processed(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes several transactions, of which a process that is killed may have committed some."""
    hook = connect(Kind.ALERTMANAGER)
    handle_and = signal_service.handle_and

    def look(*given: Any) -> Any:
        assert (hook.last_post.outcome, hook.last_post.status) == ("", None)
        return handle_and(*given)

    monkeypatch.setattr(signal_service, "handle_and", look)
    reply = hook.post(firing(*(f"db{number}" for number in range(150))))
    assert (reply.status, set(reply.outcomes)) == (202, {"created"})
    assert (hook.last_post.outcome, hook.last_post.status) == ("processed", 202)
    assert ReceivedPost.objects.count() == 1


def test_an_error_of_our_own_is_500_never_4xx(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_args: object) -> None:
        raise KeyError("alertname")

    hook = connect(Kind.GENERIC)
    monkeypatch.setattr(signal_service, "handle_and", explode)
    reply = hook.post(EVENTS[Kind.GENERIC])
    assert (reply.status, reply.content["message"]) == (500, "Internal error")
    assert (hook.last_post.status, hook.last_post.outcome) == (500, "failed")


def test_an_outcome_that_cannot_be_stored_is_503_and_nothing_is_done(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object) -> None:
        raise OperationalError("database is locked")

    hook = connect(Kind.GENERIC)
    monkeypatch.setattr("integrations.database_retry.MAX_SECONDS", 0)
    monkeypatch.setattr(received_posts, "finish", fail)
    assert hook.post(EVENTS[Kind.GENERIC]).status == 503
    assert not hook.incidents


# ------------------------------------------------------------------ Grafana's signature


def signed(hook: Hook, body: bytes, *, key: str = "", at: str = "") -> dict[str, str]:
    text = f"{at}:".encode() + body if at else body
    made = hmac.new((key or hook.token).encode(), text, hashlib.sha256).hexdigest()
    headers = {"Authorization": f"Bearer {hook.token}", "X-Grafana-Alerting-Signature": made}
    return headers | ({"X-Grafana-Alerting-Timestamp": at} if at else {})


def test_a_grafana_signature_is_checked_where_there_is_one(connect: Connect) -> None:
    hook = connect(Kind.GRAFANA)
    body = json.dumps(EVENTS[Kind.GRAFANA]).encode()
    now = int(time.time())
    for at in ("", str(now), str(now - 290), str(now + 290)):
        assert hook.send(body, **signed(hook, body, at=at)).status == 202, at
    for headers in (
        signed(hook, body, key="another secret"),
        signed(hook, body + b" "),
        signed(hook, body, at=str(now - 310)),
        signed(hook, body, at=str(now + 310)),
        signed(hook, body, at="x"),
        signed(hook, body, at=str(now)) | {"X-Grafana-Alerting-Timestamp": str(now - 1)},
        signed(hook, body) | {"X-Grafana-Alerting-Signature": "\xff"},
        signed(hook, body) | {"X-Grafana-Alerting-Signature": ""},
    ):
        reply = hook.send(body, **headers)
        assert reply.status == 401, headers
        assert hook.last_post.outcome == "refused"
    assert Integration.objects.count() == 1

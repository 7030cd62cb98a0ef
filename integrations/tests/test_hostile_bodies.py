"""Nothing that anybody sends to a hook is answered 5xx, and nothing is stored of what is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.models import Event, Incident
from integrations.inbound.tests.examples import PAYLOADS, kind_of, load
from integrations.models import Kind
from integrations.tests.conftest import Connect, Hook
from integrations.tests.test_hooks import EVENTS
from testing import hostile_values
from testing.hostile_bodies import NOT_ONE_OBJECT

CONTENT_TYPES = [
    "application/json",
    "",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=b",
    "multipart/form-data; boundary=" + "x" * 300,
    "multipart/form-data; boundary=\xff",
    "application/json; charset=utf-16",
    "text/\x7f; charset=\xff",
]
VALUES = sorted(
    {
        value
        for name, values in vars(hostile_values).items()
        if name.isupper()
        for value in (values if isinstance(values, list) else [values])
    }
)
# Those that are left out have the form of another one.
ALIKE = ("_of_peer", "_repeat", "_mixed", "_resolved", "_up", "_recovery")
EXAMPLES = sorted(path.stem for path in PAYLOADS.glob("*.json") if not path.stem.endswith(ALIKE))


def rows() -> tuple[int, int]:
    return Incident.objects.count(), Event.objects.count()


def check(hook: Hook, body: bytes, content_type: str) -> None:
    before = rows()
    reply = hook.send(body, content_type=content_type, Authorization=f"Bearer {hook.token}")
    assert reply.status in {202, 400, 413}, (body[:100], reply)
    if reply.status != 202:
        assert rows() == before
        assert reply.content["errors"]
    assert hook.last_post.status == reply.status


@pytest.mark.parametrize("content_type", CONTENT_TYPES, ids=repr)
@pytest.mark.parametrize("kind", Kind)
def test_a_body_that_is_not_one_object_is_400_or_understood(
    connect: Connect, kind: Kind, content_type: str
) -> None:
    hook = connect(kind)
    for body in NOT_ONE_OBJECT.values():
        check(hook, body, content_type)


def placed(value: Any, place: tuple[Any, ...], hostile: Any) -> Any:
    """Return `value` with what is at `place` replaced."""
    if not place:
        return hostile
    copy = list(value) if isinstance(value, list) else dict(value)
    copy[place[0]] = placed(value[place[0]], place[1:], hostile)
    return copy


def places(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [prefix, *(place for key, one in inner for place in places(one, (*prefix, key)))]


MARK = "a place for a hostile value"


@pytest.mark.parametrize("name", EXAMPLES)
def test_any_value_at_any_place_of_a_payload_is_no_error(connect: Connect, name: str) -> None:
    hook = connect(Kind(kind_of(name)))
    payload = load(name)
    for number, place in enumerate(places(payload)):
        text = json.dumps(placed(payload, place, MARK))
        # Not each value at each place: all values take turns.
        for value in VALUES[number % 13 :: 13]:
            check(hook, text.replace(json.dumps(MARK), value).encode(), "application/json")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize("kind", Kind)
def test_any_json_is_no_error(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)

    @given(st.dictionaries(st.sampled_from([*EVENTS[kind], "alerts", "status"]), json_values))
    def post(fields: dict[str, Any]) -> None:
        check(hook, json.dumps(EVENTS[kind] | fields).encode(), "application/json")

    post()


@pytest.mark.parametrize("kind", Kind)
def test_any_bytes_are_no_error(connect: Connect, kind: Kind) -> None:
    hook = connect(kind)

    @given(st.binary(max_size=200), st.sampled_from(CONTENT_TYPES))
    def post(body: bytes, content_type: str) -> None:
        check(hook, body, content_type)

    post()


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "query",
    [
        "token=",
        "token=%ff",
        "&" * 5000,
        "a=" * 3000,
        "token=x" * 300,
        "action=%00",
        "action=trigger&title=%00%ed%a0%80",
    ],
)
def test_any_query_is_no_error(connect: Connect, kind: Kind, query: str) -> None:
    hook = connect(kind)
    for method in ("GET", "POST"):
        reply = hook.send(method=method, path=f"{hook.path}?{query}", Authorization=f"Bearer {hook.token}")
        assert reply.status in {202, 400, 405}


@pytest.mark.parametrize("kind", Kind)
def test_emoji_and_scripts_of_any_direction_come_through(connect: Connect, kind: Kind) -> None:
    text = "Диск 🔥 полон: قرص ممتلئ 磁盘已满"
    titled = json.loads(json.dumps(EVENTS[kind]).replace("db1 is down", text).replace("Disk full", text))
    titled |= {"event_name": text, "name": text} if kind in {Kind.ZABBIX, Kind.HEALTHCHECKS} else {}
    if kind == Kind.UPTIME_KUMA:
        titled["monitor"]["name"] = text
    hook = connect(kind)
    assert hook.post(titled).outcomes == ["created"]
    assert text in hook.incidents[0].description

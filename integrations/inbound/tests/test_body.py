import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.inbound import body
from integrations.inbound.tests.examples import load
from integrations.signals import InvalidEvent

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
BOUNDARY = "--------------------------015394250132155446170931"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(name: str, value: str) -> bytes:
    """Write a form as the form-data package of Node.js does, which Uptime Kuma uses."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return f"{head}{value}\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize(
    "content_type", [JSON, FORM, "text/plain", "", "application/cloudevents+json", "nonsense;;"]
)
def test_json_is_read_whatever_the_content_type_says(content_type: str) -> None:
    payload = load("uptime_kuma_down")
    assert body.decode(json.dumps(payload).encode(), content_type) == payload
    assert body.decode(json.dumps(payload, ensure_ascii=False).encode(), content_type) == payload


def test_a_multipart_field_data_is_read() -> None:
    payload = load("uptime_kuma_down")
    assert body.decode(multipart("data", json.dumps(payload, ensure_ascii=False)), MULTIPART) == payload


def test_a_form_field_data_is_read() -> None:
    assert body.decode(b"data=%7B%22msg%22%3A+%22%F0%9F%94%B4%22%7D", FORM) == {"msg": "🔴"}


def test_a_json_text_that_holds_json_is_read() -> None:
    assert body.decode(json.dumps('{"msg": "x"}').encode(), JSON) == {"msg": "x"}
    with pytest.raises(InvalidEvent):
        body.decode(json.dumps(json.dumps('{"msg": "x"}')).encode(), JSON)


def test_form_fields_are_a_payload_only_where_they_are_asked_for() -> None:
    assert body.decode(b"title=a+b&title=c&x=", FORM, form_fields=True) == {"title": "c", "x": ""}
    assert body.decode(multipart("title", "a"), MULTIPART, form_fields=True) == {"title": "a"}
    for raw, content_type in ((b"title=a", FORM), (multipart("title", "a"), MULTIPART)):
        with pytest.raises(InvalidEvent, match="no form field 'data'"):
            body.decode(raw, content_type)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b"{",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1} x',
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        json.dumps("[" * 100_000).encode(),
    ],
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    for content_type in (JSON, "", FORM):
        with pytest.raises(InvalidEvent):
            body.decode(raw, content_type)


def test_a_broken_json_object_is_no_form_and_the_error_says_where_it_is_broken() -> None:
    for content_type in (JSON, FORM):
        with pytest.raises(InvalidEvent, match=r"not JSON: .* line 1 column 10 "):
            body.decode(b'{"msg": [Shop] a=b&c}', content_type, form_fields=True)


def test_nesting_is_bounded() -> None:
    assert body.decode(b'{"a":' * 32 + b"1" + b"}" * 32, JSON)
    with pytest.raises(InvalidEvent, match="deeper than 32"):
        body.decode(b'{"a":' * 33 + b"1" + b"}" * 33, JSON)


def test_a_byte_order_mark_bad_utf8_and_huge_numbers_cost_no_alert() -> None:
    assert body.decode(b"\xef\xbb\xbf{}", JSON) == {}
    assert body.decode(b'{"a": "caf\xe9"}', JSON) == {"a": "caf\ufffd"}
    assert body.decode(b'{"a": ' + b"9" * 5000 + b"}", JSON)["a"] > 10**100


def test_of_a_duplicated_key_the_last_value_counts() -> None:
    assert body.decode(b'{"a": 1, "a": 2}', JSON) == {"a": 2}


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(InvalidEvent, match="1000 fields"):
        body.decode(b"a=1&" * 2000, FORM, form_fields=True)


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=ü", MULTIPART]
)
def test_a_broken_multipart_form_is_refused(content_type: str) -> None:
    with pytest.raises(InvalidEvent):
        body.decode(b"--x\r\n\r\n{}", content_type)


@pytest.mark.parametrize("end", ["", "--", f"--{BOUNDARY}", f"\r\n--{BOUNDARY}"])
def test_a_multipart_form_that_does_not_end_is_refused(end: str) -> None:
    whole = multipart("data", "{}").decode()
    with pytest.raises(InvalidEvent, match="no end"):
        body.decode((whole[: whole.index("{}")] + end).encode(), MULTIPART)


def test_a_multipart_form_of_many_fields_is_refused() -> None:
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
    end = f"--{BOUNDARY}--"
    body.decode((field * body.MAX_FIELDS + end).encode(), MULTIPART, form_fields=True)
    with pytest.raises(InvalidEvent, match="more than 1000 fields"):
        body.decode((field * (body.MAX_FIELDS + 2) + end).encode(), MULTIPART, form_fields=True)


def test_files_of_a_multipart_form_are_no_fields() -> None:
    file = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="data"; filename="x"\r\n\r\n{{}}\r\n'
    assert body.decode(file.encode() + multipart("title", "a"), MULTIPART, form_fields=True) == {"title": "a"}


def test_a_multipart_value_may_contain_dashes_and_empty_lines() -> None:
    text = f"a\r\n\r\nb --{BOUNDARY} c\r\n--other--"
    assert body.decode(multipart("title", text), MULTIPART, form_fields=True) == {"title": text}


def test_a_query_is_read_as_fields() -> None:
    assert body.fields_of("action=resolve&dedup_key=backup-db1") == {
        "action": "resolve",
        "dedup_key": "backup-db1",
    }


@given(
    st.binary(max_size=200),
    st.sampled_from([JSON, FORM, MULTIPART, "", "multipart/form-data"]),
    st.booleans(),
)
def test_any_bytes_are_an_object_or_an_invalid_event(
    raw: bytes, content_type: str, form_fields: bool
) -> None:
    try:
        value: Any = body.decode(raw, content_type, form_fields=form_fields)
    except InvalidEvent:
        return
    assert isinstance(value, dict)


@given(
    st.text(st.sampled_from("abc;=\"'*%01 \t\r\n:\\,utf-8form-dataname\x00ü"), max_size=60),
    st.sampled_from(["form-data; name", "form-data; name*", "form-data; name*0*", ""]),
)
def test_any_header_of_a_part_is_a_field_or_none_or_an_invalid_event(text: str, before: str) -> None:
    form = f"--x\r\nContent-Disposition: {before}{text}\r\n\r\n{{}}\r\n--x--"
    with contextlib.suppress(InvalidEvent):
        assert isinstance(body.decode(form.encode(), "multipart/form-data; boundary=x"), dict)


@given(st.text(max_size=60))
def test_any_media_type_of_a_form_is_read_or_an_invalid_event(text: str) -> None:
    with contextlib.suppress(InvalidEvent):
        body.decode(b"--x--", f"multipart/form-data;{text}")

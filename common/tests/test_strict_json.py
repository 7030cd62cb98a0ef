import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import strict_json

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(10**50), 10**50) | texts
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | numbers, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)
objects = st.dictionaries(texts, values)


@given(objects, st.booleans(), st.sampled_from([None, 0, 2]))
def test_it_agrees_with_json_on_every_unambiguous_object(
    value: dict[str, Any], escaped: bool, indent: int | None
) -> None:
    body = json.dumps(value, ensure_ascii=escaped, indent=indent).encode()
    assert strict_json.loads(body) == json.loads(body) == value


@given(objects.filter(bool), st.data())
def test_it_refuses_every_object_that_is_cut_short(value: dict[str, Any], data: st.DataObject) -> None:
    body = json.dumps(value).encode()
    length = data.draw(st.integers(0, len(body) - 1))
    with pytest.raises(ValueError):  # noqa: PT011  # any of them
        strict_json.loads(body[:length])


@given(st.binary(max_size=60))
def test_it_answers_any_bytes_with_an_object_or_a_value_error(body: bytes) -> None:
    try:
        value = strict_json.loads(body)
    except ValueError:
        return
    assert isinstance(value, dict)
    assert value == json.loads(body)


@given(texts, values, values)
def test_it_refuses_a_key_given_twice(key: str, first: Any, second: Any) -> None:
    name = json.dumps(key)
    body = f"{{{name}: {json.dumps(first)}, {name}: {json.dumps(second)}}}"
    with pytest.raises(ValueError, match="duplicated"):
        strict_json.loads(body.encode())


def nested(depth: int) -> bytes:
    """Return an object whose brackets nest `depth` deep."""
    return b'{"a": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"   ", id="blank"),
        pytest.param(b"\xef\xbb\xbf{}", id="byte order mark"),
        pytest.param('{"a": "ж"}'.encode("utf-16"), id="UTF-16"),
        pytest.param('{"a": "ж"}'.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param('{"a": "ж"}'.encode("utf-32"), id="UTF-32"),
        pytest.param('{"a": "ж"}'.encode("cp1251"), id="Windows-1251"),
        pytest.param(b'{"a": "\xff"}', id="invalid UTF-8"),
        pytest.param(b'{"a": "\xc0\x80"}', id="overlong UTF-8"),
        pytest.param(b'{"a": "\xed\xa0\x80"}', id="surrogate in UTF-8"),
        pytest.param(b'{"a": "\\ud800"}', id="lone high surrogate"),
        pytest.param(b'{"a": "\\udc00 x"}', id="lone low surrogate"),
        pytest.param(b'{"\\ud800": 1}', id="lone surrogate in a key"),
        pytest.param(b'{"a": [{"b": "\\ud800"}]}', id="lone surrogate deep inside"),
        pytest.param(b'{"a": NaN}', id="NaN"),
        pytest.param(b'{"a": Infinity}', id="Infinity"),
        pytest.param(b'{"a": -Infinity}', id="-Infinity"),
        pytest.param(b'{"a": 1, "a": 1}', id="duplicated key"),
        pytest.param(b'{"a": 1, "\\u0061": 2}', id="duplicated key, once escaped"),
        pytest.param(b'{"a": {"b": 1, "b": 2}}', id="duplicated key inside"),
        pytest.param(nested(33), id="33 deep"),
        pytest.param(nested(100_000), id="100,000 deep"),
        pytest.param(b'{"a":' * 100_000, id="100,000 deep and never closed"),
        pytest.param(b"{} {}", id="trailing object"),
        pytest.param(b"{} x", id="trailing text"),
        pytest.param(b"{}\0", id="trailing NUL"),
        pytest.param(b"[]", id="array"),
        pytest.param(b'[{"a": 1}]', id="array of an object"),
        pytest.param(b"null", id="null"),
        pytest.param(b"true", id="true"),
        pytest.param(b"1", id="number"),
        pytest.param(b'"text"', id="text"),
        pytest.param(b"{'a': 1}", id="single quotes"),
        pytest.param(b'{"a": 1,}', id="trailing comma"),
        pytest.param(b'{"a": 01}', id="leading zero"),
        pytest.param(b'{"a": .5}', id="no digit before the point"),
        pytest.param(b'{"a": "\n"}', id="line break in text"),
        pytest.param(b'{"a": "\0"}', id="raw NUL in text"),
        pytest.param(b'{"a": 1} // why', id="comment"),
        pytest.param(b"a=1&b=2", id="form"),
    ],
)
def test_it_refuses(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # any of them
        strict_json.loads(body)


def test_it_accepts_32_deep() -> None:
    assert strict_json.loads(nested(32)) == json.loads(nested(32))


def test_it_does_not_count_brackets_in_texts() -> None:
    value = {"a": '[{"\\' * 1000, "b": [[1]]}
    assert strict_json.loads(json.dumps(value).encode()) == value


def test_it_accepts_a_pair_of_surrogates_as_the_character_it_means() -> None:
    assert strict_json.loads(b'{"a": "\\ud83d\\ude00"}') == {"a": "😀"}


def test_it_reads_a_number_of_any_length_in_bounded_time() -> None:
    body = b'{"id": ' + b"9" * 200_000 + b', "below": -' + b"9" * 200_000 + b"}"
    started = time.process_time()
    value = strict_json.loads(body)
    assert time.process_time() - started < 1
    assert value["id"] > 2**64
    assert value["below"] < -(2**64)

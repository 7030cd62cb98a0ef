import base64
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.api.post.cursor import Cursor
from incidents.services import MAX_ID

moments = st.datetimes(timezones=st.just(UTC))


@given(moments, st.integers(1, MAX_ID))
def test_what_it_writes_it_reads(created_at: datetime, pk: int) -> None:
    cursor = Cursor(created_at, pk)
    assert Cursor.parse(str(cursor)) == cursor


@given(moments, st.integers(1, MAX_ID))
def test_it_is_a_word_that_needs_no_escapes(created_at: datetime, pk: int) -> None:
    text = str(Cursor(created_at, pk))
    assert text.isascii()
    assert text.replace("-", "").replace("_", "").isalnum()


@given(st.text(max_size=90) | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()))
def test_it_answers_any_text_with_a_cursor_or_a_value_error(text: str) -> None:
    try:
        cursor = Cursor.parse(text)
    except ValueError:
        return
    assert Cursor.parse(str(cursor)) == cursor


def encoded(plain: str) -> str:
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        None,
        1,
        True,
        [],
        {},
        "",
        "a",
        "=",
        "not a cursor",
        "é",
        "A" * 10_000,
        encoded("2025-11-11T23:08:12.266000"),
        encoded("2025-11-11T23:08:12.266000 "),
        encoded("2025-11-11T23:08:12.266000 0"),
        encoded("2025-11-11T23:08:12.266000 -1"),
        encoded("2025-11-11T23:08:12.266000 1.5"),
        encoded("2025-11-11T23:08:12.266000 ١"),
        encoded(f"2025-11-11T23:08:12.266000 {2**63}"),
        encoded("2025-11-11T23:08:12.266000 1 OR 1=1"),
        encoded("2025-13-11T23:08:12.266000 1"),
        encoded("0000-01-01T00:00:00.000000 1"),
        encoded("2025-11-11T24:00:00.000000 1"),
        encoded("2025-11-11T23:08:12Z 1"),
        encoded("2025-11-11T23:08:12.266000+00:00 1"),
    ],
)
def test_it_refuses(text: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Cursor.parse(text)

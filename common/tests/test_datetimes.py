from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common import datetimes

offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
promised = st.datetimes(
    datetime(1970, 1, 2),  # noqa: DTZ001  # hypothesis adds the zone
    datetime(2200, 12, 30),  # noqa: DTZ001
    timezones=offsets,
)


@given(promised)
def test_it_reads_every_moment_of_the_promised_years_at_any_offset(timestamp: datetime) -> None:
    parsed = datetimes.parse(timestamp.isoformat())
    assert parsed == timestamp
    assert parsed.tzinfo is UTC


@given(promised)
def test_what_it_writes_it_reads_to_the_millisecond(timestamp: datetime) -> None:
    text = datetimes.to_utc_text(timestamp)
    cut = timestamp.replace(microsecond=timestamp.microsecond // 1000 * 1000)
    assert datetimes.parse(text) == cut
    assert datetimes.to_utc_text(datetimes.parse(text)) == text
    assert len(text) == len("2025-11-11T23:08:12.266Z")


@given(st.text(max_size=40))
def test_it_answers_any_text_with_a_moment_or_a_value_error(text: str) -> None:
    try:
        timestamp = datetimes.parse(text)
    except ValueError:
        return
    assert datetimes.MIN_DATETIME <= timestamp < datetimes.DATETIME_LIMIT


@pytest.mark.parametrize(
    ("text", "timestamp"),
    [
        ("2025-11-11T23:08:12.266Z", datetime(2025, 11, 11, 23, 8, 12, 266_000, UTC)),
        ("2025-11-12T02:08:12.266+03:00", datetime(2025, 11, 11, 23, 8, 12, 266_000, UTC)),
        ("2025-11-11T23:08:12Z", datetime(2025, 11, 11, 23, 8, 12, tzinfo=UTC)),
        ("2025-11-11t23:08:12z", datetime(2025, 11, 11, 23, 8, 12, tzinfo=UTC)),
        ("2025-11-11T23:08:12.1234567Z", datetime(2025, 11, 11, 23, 8, 12, 123_456, UTC)),
        ("2025-11-11T23:08:12-00:00", datetime(2025, 11, 11, 23, 8, 12, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1969-12-31T23:00:00-01:00", datetime(1970, 1, 1, tzinfo=UTC)),
        ("2200-12-31T23:59:59.999999Z", datetime(2200, 12, 31, 23, 59, 59, 999_999, UTC)),
        ("2201-01-01T00:59:59+01:00", datetime(2200, 12, 31, 23, 59, 59, tzinfo=UTC)),
    ],
)
def test_it_reads(text: str, timestamp: datetime) -> None:
    assert datetimes.parse(text) == timestamp


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2025-11-11",
        "2025-11-11T23:08:12",
        "2025-11-11 23:08:12Z",
        "2025-11-11T23:08Z",
        "2025-11-11T23:08:12,266Z",
        "2025-11-11T23:08:12.Z",
        "2025-W46-2T23:08:12Z",
        "2025-315T23:08:12Z",
        "20251111T230812Z",
        "2025-11-11T24:00:00Z",
        "2025-11-11T23:59:60Z",
        "2016-12-31T23:59:60Z",
        "2025-11-11T23:60:12Z",
        "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z",
        "2025-00-01T00:00:00Z",
        "٢٠٢٥-11-11T23:08:12Z",
        "2025-11-11T23:08:12+0300",
        "2025-11-11T23:08:12+03",
        "2025-11-11T23:08:12+24:00",
        "2025-11-11T23:08:12+03:60",
        "2025-11-11T23:08:12 Z",
        " 2025-11-11T23:08:12Z",
        "2025-11-11T23:08:12Z\n",
        "2025-11-11T23:08:12Zx",
        "2025-11-11T23:08:12.266Z[Europe/Moscow]",
        "1762902492",
        "1969-12-31T23:59:59.999999Z",
        "1970-01-01T00:59:59+01:00",
        "2201-01-01T00:00:00Z",
        "2200-12-31T23:59:59-01:00",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "12025-11-11T23:08:12Z",
        "-2025-11-11T23:08:12Z",
    ],
)
def test_it_refuses(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        datetimes.parse(text)

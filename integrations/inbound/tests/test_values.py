from datetime import UTC, datetime

import pytest

from incidents import validators
from incidents.signals import MAX_TITLE_LENGTH, Action
from integrations.inbound.tests.examples import CONTEXT, NOW
from integrations.inbound.values import as_datetime, as_key, as_text, cut
from integrations.signals import InvalidEvent


def test_characters_that_the_domain_forbids_are_removed() -> None:
    everything = "".join(map(chr, range(0x20))) + "\x7f текст עברית 漢字 🔴"
    text = as_text(everything)
    assert not validators.has_forbidden_characters(text)
    assert text == "\t\n\r\x7f текст עברית 漢字 🔴"


def test_half_of_an_emoji_is_replaced() -> None:
    assert as_text("a\ud83d") == "a\ufffd"


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (7, "7"), (1.5, "1.5"), (True, "true"), (["ä"], '["ä"]')]
)
def test_any_value_is_written_as_text(value: object, text: str) -> None:
    assert as_text(value) == text


def test_long_texts_are_cut_by_characters_with_a_mark() -> None:
    assert cut("я" * 10, 10) == "я" * 10
    assert cut("🔴" * 11, 10) == "🔴" * 9 + "…"


def test_a_long_title_and_long_details_fit_the_description() -> None:
    signal = CONTEXT.signal(Action.TRIGGER, "k", key_field="k", title="t" * 5000, details="d" * 20_000)
    assert len(signal.title) == MAX_TITLE_LENGTH
    assert len(signal.description) == validators.MAX_DESCRIPTION_LENGTH
    assert signal.description.endswith("d…")


def test_the_details_of_other_actions_fit_a_comment() -> None:
    signal = CONTEXT.signal(Action.RESOLVE, "k", key_field="k", title="", details="d" * 20_000)
    assert len(signal.details) == validators.MAX_COMMENT_LENGTH


def test_a_key_is_kept_up_to_255_characters_and_hashed_beyond() -> None:
    assert as_key(" ключ ", "key") == "ключ"
    assert as_key(7, "key") == "7"
    assert as_key("x" * 255, "key") == "x" * 255
    hashed = as_key("x" * 256, "key")
    assert len(hashed) == 64
    assert hashed != as_key("x" * 257, "key")
    assert as_key(hashed, "key") == hashed


@pytest.mark.parametrize("value", [None, "", " ", "\x00", True, 1.5, [], {}])
def test_what_is_no_key_is_refused_with_the_name_of_its_field(value: object) -> None:
    with pytest.raises(InvalidEvent, match="'dedup_key'"):
        as_key(value, "dedup_key")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-08-22T14:32:08.326990857Z", datetime(2026, 8, 22, 14, 32, 8, 326990, UTC)),
        ("2026-08-22T22:32:08+08:00", datetime(2026, 8, 22, 14, 32, 8, tzinfo=UTC)),
        ("2026-08-22T22:32:08+0800", datetime(2026, 8, 22, 14, 32, 8, tzinfo=UTC)),
        ("2026-08-22 14:32:08.123", datetime(2026, 8, 22, 14, 32, 8, 123000, UTC)),
        ("1787407460", datetime.fromtimestamp(1787407460, UTC)),
        (1787407460, datetime.fromtimestamp(1787407460, UTC)),
        (1787407460123, datetime.fromtimestamp(1787407460.123, UTC)),
        ("2026-11-25T22:59:59Z", datetime(2026, 11, 25, 22, 59, 59, tzinfo=UTC)),
    ],
)
def test_starts_of_all_senders_are_read(text: object, expected: datetime) -> None:
    assert as_datetime(text, NOW) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", None, "N/A", 0, True, [], 1e400, -1, 10**40, "9999999999999", "٢٠٢٦-٠٨-٢٢T١٤:٣٢:٠٨Z",
        "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2201-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00",
        "2026-11-25T23:00:01Z", "2026-02-30T00:00:00Z", "2026-08-22T25:00:00Z",
    ],
)  # fmt: skip
def test_starts_that_are_not_sane_are_left_out(text: object) -> None:
    assert as_datetime(text, NOW) is None


def test_an_end_without_a_sane_start_is_left_out() -> None:
    end = "2026-08-22T14:32:08Z"
    signal = CONTEXT.signal(Action.RESOLVE, "k", key_field="k", title="t", starts_at="", ends_at=end)
    assert signal.ends_at is None

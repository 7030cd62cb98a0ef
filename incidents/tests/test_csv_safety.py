import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.csv_safety import escape_formula, unescape_formula
from incidents.transfer import csv as transfer_csv
from incidents.transfer.reader import Chunk, Row
from incidents.web import csv_response

FORMULA = tuple("=+-@＝＋－＠")
TEXTS = st.text(st.sampled_from("'=+-@\t\r\n＝＋－＠;,\" aё"), max_size=12)


def exported(texts: list[str]) -> str:
    rows = [
        Row(7, text, "open", "partner", at, at, None, None, None, None, text, 0, None)
        for text in texts
        for at in ["2025-01-01 00:00:00"]
    ]
    return transfer_csv.encode(Chunk(rows, {}, {}), {None: None}).decode()  # type: ignore[arg-type]


def downloaded(texts: list[str]) -> str:
    return b"".join(csv_response.encode(["id", "text"], ([7, text] for text in texts))).decode("utf-8-sig")


@given(TEXTS)
def test_unescaping_restores_every_text(text: str) -> None:
    assert unescape_formula(escape_formula(text)) == text


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@given(st.lists(TEXTS, max_size=3))
def test_no_reader_finds_a_cell_that_begins_like_a_formula(delimiter: str, texts: list[str]) -> None:
    for content in (exported(texts), downloaded(texts)):
        for row in csv.reader(io.StringIO(content, newline=""), delimiter=delimiter):
            assert [cell for cell in row if cell.lstrip().startswith(FORMULA)] == []


@given(st.lists(TEXTS.filter(str.strip), max_size=3))
def test_an_export_is_read_back_exactly(texts: list[str]) -> None:
    lines = (transfer_csv.HEADER.decode() + exported(texts)).encode().splitlines(keepends=True)
    records = [fields for _number, fields in transfer_csv.decode(lines)]
    assert [fields["description"] for fields in records] == texts  # type: ignore[index]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"]
)
def test_a_text_that_begins_like_a_formula_gets_an_apostrophe(text: str) -> None:
    assert escape_formula(text).startswith("'")


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ('x;=HYPERLINK("http://evil.example";"open")', 'x;\'=HYPERLINK("http://evil.example";"open")'),
        ('a,"b\n=1+1', "a,\"b\n'=1+1"),
        ('a;"=1', "a;\"'=1"),
        ("a\t@x", "a\t'@x"),
        ("a - b; c = d", "a - b; c = d"),
        ("2-3 incidents\nline", "2-3 incidents\nline"),
    ],
)
def test_a_formula_behind_a_separator_gets_an_apostrophe(text: str, escaped: str) -> None:
    assert escape_formula(text) == escaped

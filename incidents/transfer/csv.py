"""CSV for spreadsheets, without the history.

Texts are written by `csv_safety.escape_formula`, so that no cell is a formula; reading undoes exactly that.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from common.datetimes import to_rfc_3339, to_rfc_3339_or_none
from incidents.csv_safety import escape_formula, unescape_formula
from incidents.transfer.reader import Chunk
from incidents.transfer.record import PLAIN_FIELDS, Fields, InvalidRecord
from incidents.transfer.users import UsernameCache

# Without the byte order mark Excel reads UTF-8 as the local code page.
HEADER = f"\ufeff{','.join(PLAIN_FIELDS)}\r\n".encode()
WITH_EVENTS = False
REQUIRED = {"description", "source"}
TEXTS = {"description", "created_by", "idempotency_key", "assignee", "dedup_key"}
NUMBERS = ("id", "repeats")
DIGITS = re.compile(r"[0-9]{1,16}")


def encode(chunk: Chunk, usernames: UsernameCache) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(
        (
            row.id,
            escape_formula(row.description),
            row.status,
            row.source,
            to_rfc_3339(row.created_at),
            to_rfc_3339(row.updated_at),
            escape_formula(usernames[row.created_by] or ""),
            escape_formula(row.key or ""),
            row.severity,
            escape_formula(usernames[row.assignee] or ""),
            escape_formula(row.dedup_key or ""),
            row.repeats,
            to_rfc_3339_or_none(row.last_seen_at),
        )
        for row in chunk.rows
    )
    return text.getvalue().encode()


def decode(lines: Iterable[bytes]) -> Iterator[tuple[int, Fields | InvalidRecord]]:
    """Yield each record, or the reason why it is invalid, with the number of its first line."""
    # An undecodable byte makes one record invalid, not the whole file.
    texts = (line.decode("utf-8", "surrogateescape") for line in lines)
    first = next(texts, "").removeprefix("\ufeff")
    rows = csv.reader(chain([first], texts), strict=True)
    header: list[str] | None = None
    while True:
        number = rows.line_num + 1
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, InvalidRecord(f"it is not CSV: {error}")
            continue
        if header is None:
            header = check_header(row)
        elif row:
            yield number, fields_of(header, row)


def check_header(row: list[str]) -> list[str]:
    """Raise `InvalidRecord` for a header without the required columns or with unknown ones."""
    if not set(PLAIN_FIELDS) >= set(row) >= REQUIRED or len(set(row)) != len(row):
        raise InvalidRecord(
            f"the first line must name the columns: {', '.join(PLAIN_FIELDS)}; "
            f"only {' and '.join(sorted(REQUIRED))} are required"
        )
    return row


def fields_of(header: list[str], row: list[str]) -> Fields | InvalidRecord:
    if len(row) != len(header):
        return InvalidRecord(f"it has {len(row)} cells, the first line {len(header)}")
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return InvalidRecord("it is not UTF-8")
    fields: dict[str, Any] = {
        name: unescape_formula(cell) if name in TEXTS else cell
        for name, cell in zip(header, row, strict=True)
        if cell
    }
    numbers = {name: int(fields[name]) for name in NUMBERS if DIGITS.fullmatch(fields.get(name, ""))}
    return fields | numbers

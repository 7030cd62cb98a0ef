"""CSV for spreadsheets, line by line: no cell of it is a formula."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone

from incidents.csv_safety import escape_formula

BOM = "\ufeff"  # Without it Excel reads UTF-8 as the local code page.


class Echo:
    """A file that only hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def written(header: Iterable[Any], rows: Iterable[Iterable[Any]]) -> Iterator[str]:
    """Yield the lines of a CSV file; timestamps are written in the zone that is current now."""
    zone = timezone.get_current_timezone()
    writer = csv.writer(Echo())

    def lines() -> Iterator[str]:
        yield BOM + writer.writerow(header)
        for row in rows:
            yield writer.writerow([cell(value, zone) for value in row])

    return lines()


def cell(value: Any, zone: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    return escape_formula(value) if isinstance(value, str) else value

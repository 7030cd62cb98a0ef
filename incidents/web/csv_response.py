"""CSV for spreadsheets as a response that is sent in pieces."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from django.http import HttpRequest

from incidents.csv_safety import escape_formula
from incidents.stream_limit import LimitedResponse

BOM = "\ufeff"  # Without it Excel reads UTF-8 as the local code page.
MAX_PIECE_LENGTH = 32 * 1024  # characters, and a row: about 10 ms of CPU time

Cells = Iterable[Any]


class CSVResponse(LimitedResponse):
    """Rows as an attachment; a HEAD request reads none of them. `lock` is a file to close at the end."""

    def __init__(
        self,
        request: HttpRequest,
        filename: str,
        header: Cells,
        rows: Iterable[Cells],
        lock: TextIO | None = None,
    ) -> None:
        super().__init__(
            iter(()) if request.method == "HEAD" else encode(header, rows),
            lock,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{filename}"'},
        )


def encode(header: Cells, rows: Iterable[Cells]) -> Iterator[bytes]:
    """Yield the file in pieces of many rows each."""
    buffer = io.StringIO(BOM, newline="")
    buffer.seek(0, io.SEEK_END)
    writer = csv.writer(buffer)
    writer.writerow(header)
    for row in rows:
        writer.writerow([escape_formula(cell) if isinstance(cell, str) else cell for cell in row])
        if buffer.tell() >= MAX_PIECE_LENGTH:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()

"""Storms: many incidents within minutes whose texts differ only in numbers are folded into one line."""

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zlib import crc32

from incidents.models import Incident
from incidents.web.queue import Queue

MIN_ALIKE = 5
WITHIN = timedelta(minutes=10)
# Of a page that has one: it is counted as a whole.
PAGE = 100
NUMBER = re.compile(r"\d+")


def shape(text: str) -> str:
    """Return the same value for texts that differ only in their numbers."""
    return f"{crc32(NUMBER.sub('0', text).encode(errors='surrogatepass')):x}"


def title(row: dict[str, Any]) -> str:
    return NUMBER.sub("…", row.get("plain", ""))


def has_storm(queue: Queue, incidents: Iterable[Incident]) -> bool:
    rows = [
        {"position": queue.position_of(one), "shape": shape(one.brief)}  # type: ignore[attr-defined]
        for one in incidents
    ]
    return len(folded(rows)) < len(rows)


def folded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace the rows of each storm by one item with these `rows`, at the place of the first."""
    alike = defaultdict(list)
    for row in rows:
        alike[row["position"].group, row["shape"]].append(row)
    storm_of: dict[int, list[dict[str, Any]]] = {}
    for same in alike.values():
        for number in range(len(same) - MIN_ALIKE + 1):
            window = same[number : number + MIN_ALIKE]
            if abs(window[0]["position"].created_at - window[-1]["position"].created_at) > WITHIN:
                continue
            storm = storm_of.get(id(window[0]), [])
            for row in window:
                if id(row) not in storm_of:
                    storm.append(row)
                    storm_of[id(row)] = storm
    found = []
    for row in rows:
        storm = storm_of.get(id(row), [])
        if not storm:
            found.append(row)
        elif storm[0] is row:
            found.append({"pk": None, "position": row["position"], "rows": storm, "text": title(row)})
    return found

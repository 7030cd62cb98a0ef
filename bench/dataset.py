"""The same generated incidents for every server under test.

Statuses are spread as in a real fleet, most of them finished; the ones that the update workload writes are
left out, so that every update changes something.
"""

import itertools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

# Of 20 incidents, in this order over and over.
STATUSES = (
    ["resolved"] * 6
    + ["open"]
    + ["closed"] * 3
    + ["cancelled"]
    + ["resolved"] * 5
    + ["open"]
    + ["closed"] * 3
)
SOURCES = ["monitoring", "monitoring", "operator", "monitoring", "partner", "operator", "system"]
PROBLEMS = [
    "не в сети больше часа",
    "лежит поперек тротуара",
    "разряжен, клиент жалуется на списание",
    "не завершается аренда",
    "сломан тормоз, снят с линии",
]
LAST = datetime(2025, 11, 1, tzinfo=UTC)
INTERVAL = timedelta(seconds=7, milliseconds=311)


class Record(NamedTuple):
    id: int
    description: str
    status: str
    source: str
    created_at: str  # in UTC, as Django stores it in SQLite


def records(first: int, last: int) -> Iterator[Record]:
    """Generate the incidents `first` to `last`, oldest first."""
    # The newest of ten million is still before LAST.
    start = LAST - INTERVAL * 10_000_000
    statuses, sources, problems = (itertools.cycle(values) for values in (STATUSES, SOURCES, PROBLEMS))
    for number in range(first, last + 1):
        created_at = start + INTERVAL * number
        yield Record(
            number,
            f"самокат {number % 9973:04} {next(problems)}, дом {number % 181}",
            next(statuses),
            next(sources),
            str(created_at.replace(tzinfo=None)),
        )

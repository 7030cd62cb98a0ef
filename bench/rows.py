"""A believable past: the same made-up incidents for every server under test.

Statuses are spread as in a real fleet, most of them done with; the ones that the update load writes are
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
TROUBLES = [
    "не в сети больше часа",
    "лежит поперек тротуара",
    "разряжен, клиент жалуется на списание",
    "не завершается аренда",
    "сломан тормоз, снят с линии",
]
LAST = datetime(2025, 11, 1, tzinfo=UTC)
APART = timedelta(seconds=7, milliseconds=311)


class Past(NamedTuple):
    id: int
    description: str
    status: str
    source: str
    created_at: str  # in UTC, as Django stores it in SQLite


def past(first: int, last: int) -> Iterator[Past]:
    """Make up the incidents `first` to `last`, oldest first."""
    # The newest of ten million is still before LAST.
    began = LAST - APART * 10_000_000
    statuses, sources, troubles = (itertools.cycle(words) for words in (STATUSES, SOURCES, TROUBLES))
    for number in range(first, last + 1):
        moment = began + APART * number
        yield Past(
            number,
            f"самокат {number % 9973:04} {next(troubles)}, дом {number % 181}",
            next(statuses),
            next(sources),
            str(moment.replace(tzinfo=None)),
        )

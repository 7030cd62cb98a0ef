"""The geometry of the statistics' charts, for SVG in the templates and colours in CSS."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import pgettext

from incidents.models import Source
from incidents.statistics.report import HOURS, Slot

HEIGHT = 100.0
BAR_WIDTH = 0.8  # of a slot
# More bars are too narrow for gaps between them.
MAX_BARS_WITH_GAPS = 92
STEPS = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
MAX_DAYS_WITH_EACH_NAMED = 8
MAX_DAYS_WITH_WEEKS_NAMED = 45
MAX_DAYS_IN_MONTH = 31
HEAT_LEVELS = 6


@dataclass(frozen=True)
class Chart:
    """A box of `width` (one unit a slot) by 100; `ceiling` is the number at its top.

    `paths` holds one SVG path for each name: as elements of their own a year's bars would be two thousand.
    """

    width: int
    ceiling: int
    paths: list[tuple[str, str]]

    @property
    def middle(self) -> int:
        return self.ceiling // 2

    @property
    def hatch(self) -> float:
        """The width of a stripe, in slots."""
        return self.width / 150


def stacked(slots: list[Slot]) -> Chart:
    """Draw what was reported as bars, of which each has its sources one above the other."""
    ceiling = nice_ceiling(max((slot.total for slot in slots), default=0))
    width = BAR_WIDTH if len(slots) <= MAX_BARS_WITH_GAPS else 1.0
    paths: dict[str, list[str]] = {source: [] for source in Source.values}
    for number, slot in enumerate(slots):
        top = HEIGHT
        for source in Source.values:
            height = slot.reported[source] / ceiling * HEIGHT
            top -= height
            if height:
                left = number + (1 - width) / 2
                paths[source].append(f"M{left:.2f} {top:.2f}h{width}v{height:.2f}h-{width}z")
    return Chart(len(slots), ceiling, [(source, "".join(parts)) for source, parts in paths.items()])


def lines(slots: list[Slot]) -> Chart:
    """Draw what was reported, what was finished, and how many were not finished, as lines."""
    numbers: dict[str, Callable[[Slot], int]] = {
        "reported": lambda slot: slot.total,
        "finished": lambda slot: slot.finished,
        "unfinished": lambda slot: slot.unfinished,
    }
    ceiling = nice_ceiling(max((number(slot) for number in numbers.values() for slot in slots), default=0))
    return Chart(
        len(slots), ceiling, [(name, line(map(number, slots), ceiling)) for name, number in numbers.items()]
    )


def line(numbers: Iterable[int], ceiling: int) -> str:
    points = (
        f"{place + 0.5:g} {HEIGHT - number / ceiling * HEIGHT:.2f}" for place, number in enumerate(numbers)
    )
    return "M" + "L".join(points)


def ticks(slots: list[Slot], *, by_hour: bool) -> list[tuple[str, str]]:
    """Return where the named slots begin, in percent of the width, and their names."""
    named = [
        (number, name)
        for number, slot in enumerate(slots)
        if (name := name_of(slot.start, slots[0].start, len(slots), by_hour=by_hour))
    ]
    return [(f"{number / len(slots) * 100:.2f}%", name) for number, name in named]


def name_of(start: datetime, first: datetime, number: int, *, by_hour: bool) -> str:
    """Name some hours of a day, each day of few, each Monday of many, each month of more."""
    if by_hour:
        if start.hour == 0:
            return date_format(start, pgettext("date format", "j M"))
        return f"{start:%H:%M}" if start.hour % (6 if number <= HOURS else 12) == 0 else ""
    if number <= MAX_DAYS_WITH_EACH_NAMED or (number <= MAX_DAYS_WITH_WEEKS_NAMED and start.weekday() == 0):
        return date_format(start, pgettext("date format", "j M"))
    if number <= MAX_DAYS_WITH_WEEKS_NAMED or start.day != 1:
        return ""
    if number > timedelta(days=2 * 366).days:
        return f"{start:%Y}" if start.month == 1 else ""
    is_first = start - first < timedelta(days=MAX_DAYS_IN_MONTH)
    with_year = is_first or start.month == 1
    return date_format(start, pgettext("date format", "M Y") if with_year else pgettext("date format", "M"))


def level(number: int, largest: int) -> int:
    """Return the shade of a heat map's cell: 0 for nothing, up to `HEAT_LEVELS`."""
    return -(-number * HEAT_LEVELS // largest) if largest else 0


def nice_ceiling(number: int) -> int:
    """Return the smallest round and even number that is at least `number`."""
    power = 10 ** (len(str(number)) - 1)
    rounds = (step * power / 10 for step in STEPS)
    return next(int(ceiling) for ceiling in rounds if ceiling >= max(2, number) and ceiling % 2 == 0)

"""The geometry of the statistics' charts, for SVG in the templates and colours in CSS."""

from dataclasses import dataclass

from incidents.models import Source
from incidents.statistics.report import Day

HEIGHT = 100.0
BAR_WIDTH = 0.8  # of a day
# More bars are too narrow for gaps between them.
MAX_BARS_WITH_GAPS = 92
STEPS = (10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)


@dataclass(frozen=True)
class Bars:
    """Stacked bars in a box of `width` (one unit a day) by 100; `ceiling` is the number at its top.

    `paths` holds one SVG path for each source: as elements of their own a year's bars would be two thousand.
    """

    width: int
    ceiling: int
    paths: list[tuple[str, str]]

    @property
    def middle(self) -> int:
        return self.ceiling // 2


def stacked(days: list[Day]) -> Bars:
    ceiling = nice_ceiling(max((day.total for day in days), default=0))
    width = BAR_WIDTH if len(days) <= MAX_BARS_WITH_GAPS else 1.0
    paths: dict[str, list[str]] = {source: [] for source in Source.values}
    for number, day in enumerate(days):
        top = HEIGHT
        for source in Source.values:
            height = day.reported[source] / ceiling * HEIGHT
            top -= height
            if height:
                left = number + (1 - width) / 2
                paths[source].append(f"M{left:.2f} {top:.2f}h{width}v{height:.2f}h-{width}z")
    return Bars(len(days), ceiling, [(source, "".join(parts)) for source, parts in paths.items()])


def nice_ceiling(number: int) -> int:
    """Return the smallest round and even number that is at least `number`."""
    power = 10 ** (len(str(number)) - 1)
    rounds = (step * power / 10 for step in STEPS)
    return next(int(ceiling) for ceiling in rounds if ceiling >= max(2, number) and ceiling % 2 == 0)

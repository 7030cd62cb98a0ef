"""The load's table as an SVG chart, for light and dark themes: a panel a workload, a bar a server."""

from pathlib import Path
from xml.sax.saxutils import escape

from bench.processes import PROJECT
from bench.report import number
from bench.rounds import Cell, Medians
from bench.servers import LIMIT, LIMIT_SAME_WORKER, OURS, REFERENCE

FILE = PROJECT / "docs" / "images" / "performance.svg"
KINDS = {REFERENCE.name: "reference", OURS.name: "ours", LIMIT_SAME_WORKER.name: "limit", LIMIT.name: "limit"}
TITLES = {
    "create": "create an incident",
    "update": "change its status",
    "list": "list by status (100 rows; the reference's page has 20)",
    "page": "REST page of 20",
    "page by status": "REST page of 20 by status",
}
WIDTH, NAMES_WIDTH, NUMBERS_WIDTH = 760, 220, 120
BAR, PANEL_HEAD, GAP = 20, 26, 14
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .reference { fill: #8c959f } .ours { fill: #0969da } .limit { fill: #bf8700 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .reference { fill: #6e7681 } .ours { fill: #4493f8 } .limit { fill: #d29922 }
  }
"""


def svg(found: Medians, connections: int) -> str:
    parts, y = [], GAP
    for workload, title in TITLES.items():
        cells = {kind: found.get(Cell(workload, connections, kind)) for kind in KINDS}
        rates = {kind: result.rate for kind, result in cells.items() if result}
        if rates:
            parts += panel(title, rates, y)
            y += PANEL_HEAD + len(rates) * (BAR + 4) + GAP
    label = f"Requests a second at {connections} connections"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}"'
        f' role="img" aria-label="{label}">\n<style>{STYLE}</style>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def panel(title: str, rates: dict[str, float], top: float) -> list[str]:
    scale = (WIDTH - NAMES_WIDTH - NUMBERS_WIDTH) / max(rates.values())
    reference = rates.get(REFERENCE.name)
    parts = [f'<text class="title" x="4" y="{top + 14}">{escape(title)}, requests a second</text>']
    for number_of_bar, (kind, rate) in enumerate(rates.items()):
        y = top + PANEL_HEAD + number_of_bar * (BAR + 4)
        position = f'x="{NAMES_WIDTH}" y="{y}"'
        length = max(1.0, rate * scale)
        times = f" (× {rate / reference:.1f})" if reference and kind == OURS.name else ""
        parts += [
            f'<text x="{NAMES_WIDTH - 8}" y="{y + 15}" text-anchor="end">{escape(kind)}</text>',
            f'<rect class="{KINDS[kind]}" {position} width="{length:.1f}" height="{BAR}" rx="3"/>',
            f'<text x="{NAMES_WIDTH + length + 6:.1f}" y="{y + 15}">{number(rate)}{times}</text>',
        ]
    return parts


def write(found: Medians, connections: int, file: Path = FILE) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(svg(found, connections), encoding="utf-8")

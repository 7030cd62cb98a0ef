import csv
import io

from bench.http_client import Client
from resilience.attacks.accounts import create, make_accounts
from resilience.attacks.target import Target
from resilience.figures import Figure

FORMULA = ("=", "+", "-", "@", "\t", "\r")
SEPARATORS = {"a comma": ",", "a semicolon": ";", "a tab": "\t"}
TEXTS = [
    '=HYPERLINK("http://evil.example";"open")',
    'x;=HYPERLINK("http://evil.example";"open")',
    'a,"b\n=1+1',
    'a;"b";+1',
    "a\t=1+1",
    "a\t@SUM(1)\t-1",
    'a"\n-1;=1',
    ';=1;"=2',
    "\n=1+1",
]


def run(target: Target) -> list[Figure]:
    """CSV files as programs read them that separate cells by a comma, a semicolon or a tab."""
    with target.running() as service:
        token = service.login()
        for text in TEXTS:
            create(service, token, text)
        (account,) = make_accounts(service, 1)
        with Client(service.port) as client:
            page = client.get("/incidents.csv?status=all", **account.session)
        files = {
            "the page's CSV": page.body.decode("utf-8-sig"),
            "export --format csv": service.manage("export", "--format", "csv").removeprefix("\ufeff"),
        }
    figures = []
    for source, text in files.items():
        for name, separator in SEPARATORS.items():
            rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
            formulas = [cell for row in rows for cell in row if cell.startswith(FORMULA)]
            example = f", such as {formulas[0][:40]!r}" if formulas else ""
            figures.append(
                Figure(
                    "12",
                    f"csv_cells: cells of {source} that are formulas where {name} separates",
                    "0",
                    f"{len(formulas)}{example}",
                    not formulas,
                )
            )
    return figures

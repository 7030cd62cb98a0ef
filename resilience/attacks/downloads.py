from collections.abc import Iterator
from functools import partial

from bench.http_client import HOST
from resilience.attacks import raw
from resilience.attacks.accounts import make_accounts
from resilience.attacks.dataset import incident, load
from resilience.attacks.observed import observe
from resilience.attacks.target import Target
from resilience.figures import Figure

INCIDENTS = 20_000
CLIENTS = 16
CSV = "/incidents.csv?status=all"


def run(target: Target) -> list[Figure]:
    """CSV of all 20,000 incidents by HEAD and by fast GETs, and the whole list by POST, each x16."""
    with target.running() as service:
        load(service, (incident(number) for number in range(1, INCIDENTS + 1)))
        accounts = make_accounts(service, CLIENTS)
        token = service.login()
        heads = [raw.get(CSV, account.session, "HEAD") for account in accounts]
        gets = [raw.get(CSV, account.session) for account in accounts]
        body = f'{{"token": "{token}"}}'
        whole_list = (
            f"POST /incidents/get_all/ HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        figures: list[Figure] = []
        for name, requests in {
            f"downloads: CSV by HEAD x{CLIENTS}": heads,
            f"downloads: CSV by GET x{CLIENTS}": gets,
            f"downloads: whole list x{CLIENTS}": [whole_list],
        }.items():
            observation = observe(target, service, token, CLIENTS, partial(download, service.port, requests))
            figures += observation.figures("2", name)
        return figures


def download(port: int, requests: list[bytes], number: int) -> Iterator[str]:
    yield from raw.taken(port, requests[number % len(requests)])

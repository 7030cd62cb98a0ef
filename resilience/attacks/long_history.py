from functools import partial

from bench.http_client import Request
from resilience.attacks.accounts import make_accounts
from resilience.attacks.attackers import repeated
from resilience.attacks.dataset import EMOJI, comment, incident, load
from resilience.attacks.observed import cpu_of, megabytes, observe
from resilience.attacks.target import Target
from resilience.figures import Figure, milliseconds

COMMENTS = 3_000
LENGTH = 2_000
READERS = 16
PATHS = {
    "REST": ("/api/incidents/1/history/", "application/json"),
    "page": ("/incident/1/", "text/html"),
    "browsable API": ("/api/incidents/1/history/", "text/html"),
}
MAX_SECONDS = 0.1
MAX_BYTES = 1_000_000


def run(target: Target) -> list[Figure]:
    """The history of an incident with 3,000 long comments: its size, its CPU, and 16 readers of it."""
    with target.running() as service:
        history = [comment(EMOJI * LENGTH)] * COMMENTS
        load(service, [incident(1, events=history)])
        accounts = make_accounts(service, READERS)
        figures = []
        for name, (path, kind) in PATHS.items():
            request = Request("GET", path, headers={**accounts[0].session, "Accept": kind})
            seconds, statuses, size = cpu_of(service, [request])
            figures.append(
                Figure(
                    "9",
                    f"long_history: one look at {COMMENTS:,} comments, {name}",
                    f"< {milliseconds(MAX_SECONDS)} of CPU, < {megabytes(MAX_BYTES)}",
                    f"{milliseconds(seconds)}, {megabytes(size)}, status {next(iter(statuses))}",
                    seconds < MAX_SECONDS and size < MAX_BYTES,
                )
            )
        path, kind = PATHS["page"]
        requests = [Request("GET", path, headers={**account.session, "Accept": kind}) for account in accounts]
        attack = partial(repeated, service.port, requests)
        observation = observe(target, service, service.login(), READERS, attack)
        return [*figures, *observation.figures("9", f"long_history: {READERS} readers of the page")]

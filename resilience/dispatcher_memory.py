import time

from bench.http_client import Client
from bench.processes import Memory
from bench.receiver import receiving
from common.progress import Progress
from resilience.audit import query
from resilience.figures import Figure
from resilience.service import running
from testing.receiver import LOOPBACK

DESTINATIONS = 20
FIRST_SHARE = 0.2  # until then it grows to what it needs
MAX_SECONDS = 1800
DONE = "SELECT count(*) FROM outbound_delivery WHERE state = 'done'"


def run(*, deliveries: int = 100_000) -> list[Figure]:
    """F21: the dispatcher's own memory over many deliveries."""
    with receiving() as receiver, running(OUTBOUND_ALLOWED_NETWORKS=LOOPBACK) as service:
        for number in range(DESTINATIONS):
            service.manage("destination", "add", "webhook", str(number), receiver.url)
        token = service.login()
        with Client(service.port) as client:
            for number in range(deliveries // DESTINATIONS):
                response = client.post(
                    "/incidents/create/", token=token, incident=f"Самокат {number}", source="partner"
                )
                assert response.status == 201, response
        samples: list[float] = []
        began = time.monotonic()
        with Progress("Deliveries", deliveries) as progress:
            while (done := int(query(service, DONE)[0][0])) < deliveries:
                if time.monotonic() - began > MAX_SECONDS:
                    raise RuntimeError(f"only {done} deliveries in {MAX_SECONDS} s")
                dispatcher = service.dispatcher()
                if dispatcher and done >= FIRST_SHARE * deliveries:
                    samples.append(Memory.of(dispatcher).private)
                progress.set(done)
                time.sleep(1)
        seconds = time.monotonic() - began
    tenth = max(1, len(samples) // 10)
    first, last = max(samples[:tenth]), max(samples[-tenth:])
    return [
        Figure(
            "F21",
            f"the dispatcher's memory, {FIRST_SHARE * deliveries:,.0f} -> {deliveries:,} deliveries",
            "< 5 %",
            f"{last / first - 1:+.1%} ({first:.1f} to {last:.1f} MB, {deliveries / seconds:.0f} a second)",
            last / first < 1.05,
        )
    ]

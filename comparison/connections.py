import time

from bench.http_client import NoResponse, Request
from comparison.product import Product
from resilience.graceful_stop import sigterm_behind
from resilience.slow_clients import hold

EACH = 200
ATTEMPTS = 3
TIMEOUT = 10.0
IN_FLIGHT = 16
ROUNDS = 5
SECOND_WORKER_SECONDS = 0.5


def held(product: Product) -> str:
    """F5: another client asks while idle and half-sent connections are held."""
    head, body = product.create("held", "text").head_and_body()
    parts = [part for part in (b"", head[:-10], head + body[:9]) for _ in range(EACH)]
    with hold(product, parts):
        return ", ".join(ask(product) for _ in range(ATTEMPTS))


def ask(product: Product) -> str:
    try:
        response = product.send(Request("GET", product.ready), timeout=TIMEOUT)
    except NoResponse:
        return f"no response within {TIMEOUT:.0f} s"
    return f"{response.status} in {response.seconds:.2f} s"


def stop(product: Product) -> str:
    """F11: SIGTERM behind requests in flight."""
    lost = unstored = number = 0

    def create() -> Request:
        nonlocal number
        number += 1
        return product.create(f"stop-{number}", "text")

    for _ in range(ROUNDS):
        if product.has_ended():
            product.start()
            product.wait_until_ready()
        time.sleep(SECOND_WORKER_SECONDS)
        responses = sigterm_behind(product, create, IN_FLIGHT)
        created = {product.created_id(response) for response in responses if response.status in {200, 201}}
        product.stop()
        lost += IN_FLIGHT - len(created)
        unstored += len(created - {pk for _, pk, _ in product.stored()})
    return f"{lost} of {IN_FLIGHT * ROUNDS} lost, {unstored} acknowledged and not stored"

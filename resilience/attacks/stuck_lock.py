import contextlib
import sqlite3
import time
from collections.abc import Iterator
from functools import partial

import psycopg

from resilience.attacks.accounts import make_accounts, tokens
from resilience.attacks.attackers import repeated
from resilience.attacks.observed import create, observe
from resilience.attacks.target import Target
from resilience.figures import Figure
from resilience.service import Service

WRITERS = 16


def run(target: Target) -> list[Figure]:
    """Another program holds the database's write lock beside 16 writers."""
    with target.running() as service:
        token = service.login()
        attack = partial(write_while_locked, service, tokens(service, make_accounts(service, 4)))
        # The first attacker is the program that holds the lock.
        observation = observe(target, service, token, 1 + WRITERS, attack)
        return observation.figures("8", f"stuck_lock: {WRITERS} writers wait", writes=False)


def write_while_locked(service: Service, writers: list[str], number: int) -> Iterator[str]:
    if number == 0:
        with locked(service):
            while True:
                time.sleep(0.1)
                yield ""
    time.sleep(0.5)
    yield from repeated(service.port, [create(token, number) for token in writers], number)


@contextlib.contextmanager
def locked(service: Service) -> Iterator[None]:
    url = service.settings.get("DATABASE_URL")
    if url:
        with psycopg.connect(url) as postgres:
            postgres.execute("LOCK TABLE incidents_incident IN EXCLUSIVE MODE")
            yield
    else:
        with contextlib.closing(
            sqlite3.connect(service.database, isolation_level=None, timeout=30)
        ) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield

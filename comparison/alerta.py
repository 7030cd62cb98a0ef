import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import psycopg

from bench.http_client import Client
from comparison.install import Installation
from comparison.product import NAME, PASSWORD, SECRET, Product, Row
from resilience.postgres import Cluster, private_postgres

KEY = "only-for-this-run-3-owls-4-larks-9-wrens"
FILLED = 10_000

# Alerta has no import: the first alert is copied, and a quarter of the copies acknowledged.
COPY = """
INSERT INTO alerts (
    id, resource, event, environment, severity, correlate, status, service, "group", value, text, tags,
    attributes, origin, type, create_time, timeout, raw_data, customer, duplicate_count, repeat,
    previous_severity, trend_indication, receive_time, last_receive_id, last_receive_time, history,
    update_time
)
SELECT
    gen_random_uuid()::text, 'r' || n, 'e' || n, environment, severity, correlate,
    CASE WHEN n %% 4 = 0 THEN 'ack' ELSE 'open' END, service, "group", value, text, tags,
    attributes, origin, type, create_time - n * interval '1 second', timeout, raw_data, customer,
    duplicate_count, repeat, previous_severity, trend_indication, receive_time, last_receive_id,
    last_receive_time - n * interval '1 second', history, update_time
FROM alerts, generate_series(1, %s) n
"""


class Alerta(Product):
    application = "alerta:create_app()"
    headers = {"Authorization": f"Key {KEY}"}
    path = "/alert"
    id_name = "id"
    listing = "/alerts?status=open&page-size=100"
    ready = "/alerts?status=closed&page-size=1"

    def __init__(self, installation: Installation, folder: Path, cluster: Cluster) -> None:
        super().__init__(
            folder,
            folder,
            DATABASE_URL=cluster.url,
            SECRET_KEY=SECRET,
            AUTH_REQUIRED="True",
            SIGNUP_ENABLED="False",
            ADMIN_USERS=NAME,
        )
        self.cluster = cluster
        self.programs = installation.alerta

    @classmethod
    @contextlib.contextmanager
    def create_one(cls, installation: Installation, folder: Path) -> Iterator[Self]:
        with private_postgres() as cluster:
            yield cls(installation, folder, cluster)

    def prepare(self) -> None:
        self.run("alertad", "user", "--all", "--password", PASSWORD)
        self.run("alertad", "key", "--username", NAME, "--key", KEY)

    def fill(self) -> None:
        self.send(self.create("r", "Scooter offline, battery low, at the station"))
        with psycopg.connect(self.cluster.url) as connection:
            connection.execute(COPY, [FILLED - 1])
        with psycopg.connect(self.cluster.url) as connection:
            connection.execute("ANALYZE alerts")

    def body(self, name: str, text: str) -> dict[str, object]:
        return {
            "resource": name,
            "event": f"e-{name}",
            "environment": "Production",
            "severity": "major",
            "service": ["scooters"],
            "text": text,
        }

    def stored(self) -> list[Row]:
        query = "SELECT resource, replace(id, '-', ''), text FROM alerts"
        with psycopg.connect(self.cluster.url) as connection:
            return [(name, int(pk, 16), text) for name, pk, text in connection.execute(query)]

    def log_in(self, username: str, password: str) -> tuple[str, float]:
        with Client(self.port, timeout=60) as client:
            response = client.post("/auth/login", username=username, password=password)
        return {200: "in", 401: "wrong", 429: "refused"}.get(response.status, str(response)), response.seconds

    def crash_database(self) -> None:
        self.cluster.stop("immediate")
        self.cluster.start()

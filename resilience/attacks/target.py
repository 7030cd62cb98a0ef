"""What is attacked: a checkout, its database, and for how long."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from resilience.postgres import private_postgres
from resilience.service import SERVICE, Kind, Service, running


@dataclass(frozen=True)
class Target:
    kind: Kind = SERVICE
    database: str = "sqlite"
    quick: bool = False

    @property
    def seconds(self) -> float:
        """How long each attack lasts."""
        return 5 if self.quick else 10

    @property
    def recovery_seconds(self) -> float:
        """How long after an attack the memory may take to come back."""
        return 20 if self.quick else 60

    @property
    def max_response_seconds(self) -> float:
        """How long other clients wait for a response before it counts as missing."""
        return 15 if self.quick else 45

    @property
    def uses_sqlite(self) -> bool:
        return self.database == "sqlite"

    @contextlib.contextmanager
    def running(self, **settings: str) -> Iterator[Service]:
        """Start the service in a throw-away folder, with a PostgreSQL of its own if asked for."""
        with contextlib.ExitStack() as stack:
            if not self.uses_sqlite:
                settings["DATABASE_URL"] = stack.enter_context(private_postgres()).url
            yield stack.enter_context(running(self.kind, **settings))

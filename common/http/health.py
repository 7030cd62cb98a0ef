"""What a supervisor asks: does the process live, and can it serve."""

import functools
import time
from http import HTTPStatus

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse

from common.http import version

OK = "ok"


def healthz(_request: HttpRequest) -> JsonResponse:
    """Tell that the process is alive, and the versions of what it runs on; the database is not asked."""
    return JsonResponse({"status": OK, **version.versions()})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Tell whether the database answers and every migration is applied; 503 if not."""
    status = readiness.status()
    return JsonResponse(
        {"status": status}, status=HTTPStatus.OK if status == OK else HTTPStatus.SERVICE_UNAVAILABLE
    )


class Readiness:
    """What was found the last time, good for a second: anybody may ask, and as often as they like."""

    SECONDS = 1.0

    def __init__(self) -> None:
        self.last = ""
        self.good_until = 0.0

    def status(self) -> str:
        if time.monotonic() >= self.good_until:
            self.last = look()
            self.good_until = time.monotonic() + self.SECONDS
        return self.last


readiness = Readiness()


def look() -> str:
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        version.database()
    except Error:
        return "database does not answer"
    return OK if wanted_migrations() <= applied.keys() else "migrations are missing"


@functools.cache
def wanted_migrations() -> set[tuple[str, str]]:
    return set(MigrationLoader(None, ignore_no_migrations=True).graph.nodes)

"""What a supervisor asks: does the process live, and can it serve."""

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse

from common.http import versions


def healthz(_request: HttpRequest) -> JsonResponse:
    """Tell that the process is alive, and the versions of what it runs on."""
    return JsonResponse({"status": "ok", **versions.all_of_them()})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Tell whether the database answers and every migration is applied; 503 if not."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error:
        return JsonResponse({"status": "database does not answer"}, status=503)
    if missing:
        return JsonResponse({"status": "migrations are missing"}, status=503)
    return JsonResponse({"status": "ok"})

"""gunicorn, as `manage.py serve` becomes it."""

import gc
import io
import os
import resource
import signal
import sys
import time
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import connection
from django.utils.module_loading import import_string

# gunicorn reads it as well, at its import, and an empty one is no number to it.
if not os.environ.get("WEB_CONCURRENCY"):
    os.environ.pop("WEB_CONCURRENCY", None)

from gunicorn.app.base import BaseApplication

from common.db import group_commit
from operations.dispatcher_process import DispatcherProcess, DispatchingArbiter
from server import signals
from server.worker import Worker

RECOVERY_PAUSE = 1  # seconds


class ServiceWorker(Worker):
    """The worker of server/ with the service's options."""

    max_body_bytes = settings.MAX_BODY_BYTES
    body_limits_below = {"/hooks/": settings.MAX_HOOK_BODY_BYTES}
    body_too_large = RequestDataTooBig
    # SQLite runs in this process and mostly computes; a thread mostly waits for PostgreSQL.
    handoff_after = 0.01 if connection.vendor == "sqlite" else 0

    def init_process(self) -> None:
        if group_commit.enable_group_commit():
            self.group_commit = group_commit
        try:
            group_commit.recover()
        except Exception as error:  # noqa: BLE001  # Errors of sqlite3, or of the file system
            self.log.warning("No recovery from the failed sync yet, the worker starts anew: %s", error)
            time.sleep(RECOVERY_PAUSE)
            sys.exit(1)
        super().init_process()


def kill_after_failed_sync(arbiter: Any, _worker: Any) -> None:
    """End all workers, as none may keep a connection open by which unsynced commits seem to be stored."""
    if group_commit.sync_failed():
        arbiter.kill_workers(signal.SIGKILL)


class ChunkedBodies:
    """Puts a chunked body together under gunicorn's own workers: Django reads no body without a length."""

    def __init__(self, application: Any) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if "HTTP_TRANSFER_ENCODING" in environ:
            max_bytes = max(settings.MAX_BODY_BYTES, settings.MAX_HOOK_BODY_BYTES)
            body = environ["wsgi.input"].read(max_bytes + 1)
            environ |= {"CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body)}
        return self.application(environ, start_response)


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The service under gunicorn, loaded once: its workers are forks of the process that calls `run`."""

    def load_config(self) -> None:
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        chosen = {
            "bind": f"{host}:{settings.PORT}",
            "workers": settings.WEB_CONCURRENCY,
            # Idle and slow clients cost it no thread: docs/decisions/0005-server.md
            "worker_class": "operations.gunicorn_app.ServiceWorker",
            "threads": 4,
            # Each is a file; as many again are left to databases, logs and pages.
            "worker_connections": min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
            # Half the time to the first answer, and half the memory of a worker.
            "preload_app": True,
            "keepalive": 75,
            "graceful_timeout": 30,
            "control_socket_disable": True,
            "pre_fork": signals.block_stop_signals,
            "post_worker_init": signals.unblock_stop_signals,
            "child_exit": kill_after_failed_sync,
            # Django itself reads what a proxy says of the client; gunicorn would believe SCRIPT_NAME, too.
            "forwarder_headers": "",
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            # The service writes its own line for each request; the server's go the same way.
            "accesslog": None,
            "logger_class": "server.log.Logger",
        }
        arguments = self.cfg.parser().parse_args(self.cfg.get_cmd_args_from_env())  # GUNICORN_CMD_ARGS
        given = {
            name: value for name, value in vars(arguments).items() if value is not None and name != "args"
        }
        for name, value in (chosen | given).items():
            self.cfg.set(name, value)

    def run(self) -> None:
        if settings.DISPATCHER:
            # The module of the worker's class is imported before there are models.
            dispatch = import_string("integrations.outbound.dispatcher.run_until_signalled")
            DispatchingArbiter(self, DispatcherProcess(dispatch)).run()
        else:
            super().run()

    def load(self) -> Any:
        application = import_string(settings.WSGI_APPLICATION)

        # What is loaded by now stays shared among the workers if no collection touches it.
        gc.freeze()
        return application if issubclass(self.cfg.worker_class, Worker) else ChunkedBodies(application)

"""gunicorn, as `manage.py serve` becomes it."""

import gc
import os
import resource
from typing import Any

from django.conf import settings

# gunicorn reads it as well, at its import, and an empty one is no number to it.
if not os.environ.get("WEB_CONCURRENCY"):
    os.environ.pop("WEB_CONCURRENCY", None)

from gunicorn.app.base import BaseApplication

from server import signals


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """The service under gunicorn, loaded once: its workers are forks of the process that calls `run`."""

    def load_config(self) -> None:
        host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
        chosen = {
            "bind": f"{host}:{settings.PORT}",
            "workers": settings.WEB_CONCURRENCY,
            # Idle and slow clients cost it no thread: docs/decisions/0005-server.md
            "worker_class": "server.worker.Worker",
            "threads": 4,
            # Each is a file; as many again are left to databases, logs and pages.
            "worker_connections": min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2),
            # Half the time to the first answer, and half the memory of a worker.
            "preload_app": True,
            "keepalive": 75,
            "graceful_timeout": 30,
            "control_socket_disable": True,
            "pre_fork": signals.hold,
            # The service writes its own line for each request ; the server's go the same way.
            "accesslog": None,
            "logger_class": "server.log.Logger",
        }
        words = self.cfg.parser().parse_args(self.cfg.get_cmd_args_from_env())  # GUNICORN_CMD_ARGS
        given = {name: value for name, value in vars(words).items() if value is not None and name != "args"}
        for name, value in (chosen | given).items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from config.wsgi import application

        # What is loaded by now stays shared among the workers if no collection touches it.
        gc.freeze()
        return application

"""gunicorn's settings; `manage.py serve` starts it with this file."""

import os
import resource

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

bind = f"[{settings.HOST}]:{settings.PORT}" if ":" in settings.HOST else f"{settings.HOST}:{settings.PORT}"
workers = settings.WEB_CONCURRENCY
# Idle and slow clients cost it no thread: docs/decisions/0005-server.md
worker_class = "config.worker.Worker"
threads = 4
# Each is a file; as many again are left to databases, logs and pages.
worker_connections = min(1000, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
wsgi_app = "config.wsgi"
proc_name = "incidents"
keepalive = 75
graceful_timeout = 30
control_socket_disable = True
# The service writes its own line for each request (config.logs).
accesslog = None

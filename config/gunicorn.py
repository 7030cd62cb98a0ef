"""gunicorn's settings; `manage.py serve` starts it with this file."""

import multiprocessing

from config import env

bind = f"{env.text('HOST', default='127.0.0.1')}:{env.number('PORT', default=8000, least=1, most=65535)}"
workers = env.number("WEB_CONCURRENCY", default=multiprocessing.cpu_count(), least=1, most=256)
worker_class = "gthread"
threads = 4
wsgi_app = "config.wsgi"
proc_name = "incidents"
keepalive = 75
graceful_timeout = 30
control_socket_disable = True
# The service writes its own line for each request (config.logs).
accesslog = None

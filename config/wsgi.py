"""The service as a WSGI application, for gunicorn."""

import os

from django.conf import settings
from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, reset_queries

from common.db import query_limit
from config import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
if settings.SECRET_KEY_IS_TEMPORARY:
    # Each worker would have a key of its own, and no session would hold.
    raise env.WrongSetting(
        "SECRET_KEY", "it is neither set nor kept in DATA_DIR: start by manage.py serve once"
    )
query_limit.enable(settings.QUERY_SECONDS)
django_application = get_wsgi_application()

from incidents.web.change_token import ChangeTokenEndpoint  # noqa: E402  # The models are loaded only now.

application = ChangeTokenEndpoint(django_application)

# Django looks after its connections when a request has ended, too, and notes queries only for DEBUG.
request_started.disconnect(close_old_connections)
if not settings.DEBUG:
    request_started.disconnect(reset_queries)

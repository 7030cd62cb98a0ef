"""The service as a WSGI application, for gunicorn."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from common.db import query_limit
from common.http.charset import OneCharset
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

application = OneCharset(ChangeTokenEndpoint(django_application))

"""The service as a WSGI application, for gunicorn."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_wsgi_application()

from incidents.web.change_token import ChangeTokenEndpoint  # noqa: E402  # The models are loaded only now.

application = ChangeTokenEndpoint(django_application)

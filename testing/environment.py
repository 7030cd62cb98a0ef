"""A pytest plugin that makes the environment neutral before Django's settings are read.

A developer's own variables and .env change nothing: whatever is set here, empty too, wins over .env. Only
DATABASE_URL is taken over, from the environment alone, so that the same tests run on PostgreSQL.
"""

import atexit
import os
import shutil
import tempfile

NAMES = [
    "HOST",
    "PORT",
    "DATA_DIR",
    "SECRET_KEY",
    "ADMIN_USERNAME",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "ALLOWED_HOSTS",
    "TOKEN_TTL",
    "LANGUAGE_CODE",
    "TIME_ZONE",
    "TEXT_LINKS",
    "OVERDUE_AFTER",
    "REST_PUBLIC",
    "MAX_BODY_BYTES",
    "WEB_CONCURRENCY",
    "TRUSTED_PROXIES",
    "HTTPS",
    "SQLITE_SYNCHRONOUS",
    "QUERY_SECONDS",
    "PUBLIC_URL",
    "DISPATCHER",
    "OUTBOUND_ALLOWED_NETWORKS",
    "EMAIL_FROM",
    "TELEGRAM_API_URL",
    "MAX_API_URL",
    "LOG_FORMAT",
    "DEBUG",
]
SECRETS = ["SECRET_KEY", "ADMIN_PASSWORD", "DATABASE_URL", "EMAIL_URL", "TELEGRAM_PROXY", "METRICS_TOKEN"]


def make_neutral() -> None:
    folder = tempfile.mkdtemp(prefix="incidents-tests-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database_url = os.environ.get("DATABASE_URL", "")
    os.environ |= dict.fromkeys([*NAMES, *SECRETS, *(f"{name}_FILE" for name in SECRETS)], "")
    os.environ |= {
        "DATA_DIR": folder,
        "DATABASE_URL": database_url,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "SECRET_KEY": "the tests sign with this and nobody else does",
    }


# The workers of pytest-xdist inherit what their parent has set.
if "PYTEST_XDIST_WORKER" not in os.environ:
    make_neutral()

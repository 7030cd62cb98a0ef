"""Every setting of the service. All come from the environment or .env; README.md lists them.

Importing this reads and changes nothing: `manage.py serve` makes the data folder and keeps the key.
"""

from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from common import cpus, secret_key
from common.http.guarded_client import networks, proxy_address
from config import env, logs, mail

BASE_DIR = Path(__file__).parent.parent
env.load(BASE_DIR / ".env")

DEBUG = env.flag("DEBUG", default=False)
DATA_DIR = Path(env.text("DATA_DIR", default=str(BASE_DIR / "data"))).absolute()
try:
    SECRET_KEY = env.secret("SECRET_KEY", default=lambda: secret_key.read(DATA_DIR))
except (OSError, UnicodeDecodeError) as error:
    raise env.WrongSetting("DATA_DIR", f"cannot read the key in {DATA_DIR}: {error}") from None
# Neither given nor kept: one for this process alone. `serve` keeps it.
SECRET_KEY_IS_TEMPORARY = not SECRET_KEY
SECRET_KEY = SECRET_KEY or secret_key.generate()
# common.http.hosts looks at the names instead: Django knows no pattern for "any IP address".
ALLOWED_HOSTS = ["*"]
HOST_NAMES = env.csv("ALLOWED_HOSTS", default=[])
if "*" in HOST_NAMES:
    raise env.WrongSetting("ALLOWED_HOSTS", "`*` answers under any name; list the names instead")

# Where gunicorn listens, and its workers
HOST = env.text("HOST", default="127.0.0.1")
PORT = env.number("PORT", default=8000, min_value=1, max_value=65535)
# Each of a worker's four threads keeps a connection, and PostgreSQL by itself accepts 100.
MAX_DEFAULT_WORKERS = 20
WEB_CONCURRENCY = env.number(
    "WEB_CONCURRENCY", default=min(cpus.available(), MAX_DEFAULT_WORKERS), min_value=1, max_value=256
)

# The superuser of the first run
ADMIN_USERNAME = env.text("ADMIN_USERNAME", default="admin")
ADMIN_EMAIL = env.text("ADMIN_EMAIL", default="admin@example.com")
ADMIN_PASSWORD = env.secret("ADMIN_PASSWORD")

# Channels
TOKEN_TTL = env.number("TOKEN_TTL", default=3600, min_value=1, max_value=366 * 24 * 3600)
REST_PUBLIC = env.flag("REST_PUBLIC", default=False)
MAX_BODY_BYTES = env.number("MAX_BODY_BYTES", default=256 * 1024, min_value=1024, max_value=64 * 1024 * 1024)
TRUSTED_PROXIES = env.number("TRUSTED_PROXIES", default=0, min_value=0, max_value=10)
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
# An alert storm comes in one post, and most senders never repeat one that was refused.
MAX_HOOK_BODY_BYTES = 4 * 1024 * 1024

# Application
INSTALLED_APPS = [
    "config",
    "operations",
    "users",
    "incidents",
    "incidents.web",
    "incidents.statistics",
    "incidents.feed",
    "integrations",
    "integrations.outbound",
    "integrations.web",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
]
MIDDLEWARE = [
    "common.http.request_log.RequestLogMiddleware",
    "api.post.middleware.PostDialectMiddleware",
    "integrations.middleware.HookMiddleware",
    "common.http.hosts.HostMiddleware",
    "common.http.slashes.OptionalSlashMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "api.rest.middleware.TokenCallMiddleware",
    "common.http.static_files.GZipPagesMiddleware",
    "common.http.static_files.StaticFilesMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
AUTH_USER_MODEL = "users.User"
LOGIN_URL = "web:login"
LOGIN_REDIRECT_URL = "web:queue"
LOGOUT_REDIRECT_URL = "web:login"
AUTHENTICATION_BACKENDS = ["users.backends.ThrottledBackend"]
SESSION_ENGINE = "users.sessions"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "incidents.web.context.viewer",
                "integrations.web.context.administrator_notices",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

# Database
DATABASE_URL = env.secret("DATABASE_URL")
SQLITE_SYNCHRONOUS = env.choice("SQLITE_SYNCHRONOUS", default="FULL", choices=("FULL", "NORMAL"))
# A request's statement takes no longer, nor does one wait longer for another's lock.
QUERY_SECONDS = env.number("QUERY_SECONDS", default=5, min_value=1, max_value=3600)
BUSY_SECONDS = 5
if DATABASE_URL:
    if not DATABASE_URL.startswith(("postgresql://", "postgres://")):
        raise env.WrongSetting("DATABASE_URL", "it must start with postgresql://")
    try:
        parsed = dj_database_url.parse(DATABASE_URL, conn_max_age=None, conn_health_checks=True)
    except ValueError as error:
        raise env.WrongSetting("DATABASE_URL", str(error)) from None
    DATABASES: dict[str, dict[str, Any]] = {"default": {"OPTIONS": {}, **parsed}}
    options = DATABASES["default"]["OPTIONS"]
    # What the URL says comes last and wins.
    options["options"] = f"-c lock_timeout={BUSY_SECONDS}s {options.get('options', '')}".strip()
    options.setdefault("connect_timeout", BUSY_SECONDS)
else:
    DATABASES = {
        "default": {
            "ENGINE": "common.db.sqlite",
            "NAME": DATA_DIR / "incidents.sqlite3",
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                # Without IMMEDIATE a transaction that reads and then writes fails under load.
                "transaction_mode": "IMMEDIATE",
                "timeout": BUSY_SECONDS,
                "init_command": (
                    f"PRAGMA synchronous={SQLITE_SYNCHRONOUS};"
                    # The log, mostly 4 MB, shrinks again after a reader that took long.
                    f"PRAGMA journal_size_limit={6 * 1024 * 1024};"
                    # KiB of pages for each thread; the kernel keeps them as well, once for all.
                    "PRAGMA cache_size=-512"
                ),
            },
        }
    }

# Languages and time
LANGUAGE_CODE = env.choice("LANGUAGE_CODE", default="ru", choices=("ru", "en"))
LANGUAGES = [("ru", _("Russian")), ("en", _("English"))]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", default="Europe/Moscow")
USE_TZ = True

# What the page makes a link in texts, beside addresses, mails, phones and numbers of incidents
TEXT_LINKS = env.text_links("TEXT_LINKS")
# How long an incident may wait until the page shows it amber, and red
OVERDUE_AFTER = env.durations("OVERDUE_AFTER", default="15m,1h")

# Static files, served by whitenoise straight from the packages that bring them
STATIC_URL = "static/"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "common.http.static_files.HashedFilesStorage"},
}
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "common.http.static_files.HashedNameFinder",
]
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# What leaves the service: deliveries
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
DISPATCHER = env.flag("DISPATCHER", default=True)
try:
    OUTBOUND_ALLOWED_NETWORKS = list(networks(env.csv("OUTBOUND_ALLOWED_NETWORKS", default=[])))
except ValueError as error:
    raise env.WrongSetting("OUTBOUND_ALLOWED_NETWORKS", str(error)) from None
TELEGRAM_API_URL = env.text("TELEGRAM_API_URL", default="https://api.telegram.org").rstrip("/")
TELEGRAM_PROXY = env.secret("TELEGRAM_PROXY")
try:
    if TELEGRAM_PROXY:
        proxy_address(TELEGRAM_PROXY)
except ValueError as error:
    raise env.WrongSetting("TELEGRAM_PROXY", str(error)) from None
MAX_API_URL = env.text("MAX_API_URL", default="https://platform-api.max.ru").rstrip("/")
EMAIL_URL = env.secret("EMAIL_URL")
EMAIL_FROM = env.text("EMAIL_FROM", default="incidents@localhost")
# Their names differ between the LTS release and the newest Django.
globals().update(mail.configuration(EMAIL_URL))

# Who may ask for /metrics
METRICS_TOKEN = env.secret("METRICS_TOKEN")

# Safe pages
HTTPS = env.flag("HTTPS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Whether other names of the domain use HTTPS too, and who redirects to it, only the proxy's owner knows.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W008", "security.W021"]
CSRF_FAILURE_VIEW = "incidents.web.views.login.csrf_failed"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# REST
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "users.api.rest.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["users.api.rest.permissions.RolePermission"],
    "DEFAULT_PARSER_CLASSES": [
        "api.rest.parsers.StrictJSONParser",
        "api.rest.parsers.SameSiteFormParser",
        "api.rest.parsers.BoundedMultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "api.rest.renderers.FastJSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "api.rest.negotiation.QuickNegotiation",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "api.rest.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.rest.exceptions.handle_exception",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Incident Tracking API",
    "DESCRIPTION": "Two dialects over one set of incidents: the POST dialect and REST.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    # A link within each button would be no valid HTML.
    "SWAGGER_UI_SETTINGS": {"deepLinking": False},
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.add_error_responses",
        "config.openapi.add_post_dialect",
        "config.openapi.add_hooks",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Status": "incidents.models.Status.choices",
        "Source": "incidents.models.Source.choices",
    },
}

LOG_FORMAT = env.choice("LOG_FORMAT", default="text", choices=("text", "json"))
LOGGING = logs.configuration(LOG_FORMAT, debug=DEBUG)

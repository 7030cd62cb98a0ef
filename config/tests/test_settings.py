"""The settings as an administrator meets them; the table is that of the promises made to them."""

import os
import re
import runpy
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import settings as running

from common import cpus, secret_key
from config.env import WrongSetting
from testing.environment import NAMES, SECRETS

ROOT = Path(running.BASE_DIR)
DEFAULTS: dict[str, Any] = {
    "HOST": "127.0.0.1",
    "PORT": 8000,
    "DATA_DIR": ROOT / "data",
    "DATABASE_URL": "",
    "ADMIN_USERNAME": "admin",
    "ADMIN_EMAIL": "admin@example.com",
    "ADMIN_PASSWORD": "",
    "TOKEN_TTL": 3600,
    "LANGUAGE_CODE": "ru",
    "TIME_ZONE": "Europe/Moscow",
    "REST_PUBLIC": False,
    "MAX_BODY_BYTES": 262144,
    "WEB_CONCURRENCY": min(cpus.available(), 20),
    "TRUSTED_PROXIES": 0,
    "HTTPS": False,
    "SQLITE_SYNCHRONOUS": "FULL",
    "QUERY_SECONDS": 5,
    "PUBLIC_URL": "",
    "DISPATCHER": True,
    "EMAIL_URL": "",
    "EMAIL_FROM": "incidents@localhost",
    "TELEGRAM_API_URL": "https://api.telegram.org",
    "TELEGRAM_PROXY": "",
    "MAX_API_URL": "https://platform-api.max.ru",
    "METRICS_TOKEN": "",
    "DEBUG": False,
}
PROMISED = {
    *DEFAULTS,
    "SECRET_KEY",
    "ALLOWED_HOSTS",
    "LOG_FORMAT",
    "TEXT_LINKS",
    "OVERDUE_AFTER",
    "OUTBOUND_ALLOWED_NETWORKS",
}


def read(folder: Path, **environment: str) -> dict[str, Any]:
    """Read config/settings.py anew, as a start with these variables would."""
    with mock.patch.dict(os.environ, {"DATA_DIR": str(folder), "DATABASE_URL": ""} | environment):
        return runpy.run_path(str(ROOT / "config" / "settings.py"))


def test_the_defaults_are_those_promised(tmp_path: Path) -> None:
    values = read(tmp_path)
    for name, default in DEFAULTS.items():
        if name != "DATA_DIR":
            assert values[name] == default, name
    assert values["DATA_DIR"] == tmp_path


def test_durations_are_read_in_seconds(tmp_path: Path) -> None:
    assert read(tmp_path)["OVERDUE_AFTER"] == (900, 3600)
    assert read(tmp_path, OVERDUE_AFTER="45s, 2d")["OVERDUE_AFTER"] == (45, 172800)
    assert read(tmp_path, OVERDUE_AFTER="90m")["OVERDUE_AFTER"] == (5400,)
    assert read(tmp_path, OVERDUE_AFTER="0")["OVERDUE_AFTER"] == ()


def test_the_tests_know_every_setting() -> None:
    assert {*NAMES, *SECRETS} == PROMISED


def test_every_setting_that_the_code_reads_is_promised() -> None:
    reader = re.compile(r'\benv\.[a-z_]+\(\s*"([A-Z_]+)"')
    sources = [path for app in ("config", "users", "incidents") for path in (ROOT / app).rglob("*.py")]
    found = {
        name
        for path in sources
        if "tests" not in path.parts
        for name in reader.findall(path.read_text(encoding="utf-8"))
    }
    assert found == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_setting_is_documented(name: str) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert re.search(rf"^#?{name}=", example, re.MULTILINE)
    for readme in ("README.md", "README.ru.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert re.search(rf"^\|.*\b{name}\b.*\|.*\|.*\|$", text, re.MULTILINE), readme
    if name in SECRETS:
        assert f"{name}_FILE" in example


def test_no_setting_is_documented_that_there_is_not() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#?([A-Z_]+)=", example, re.MULTILINE)) == PROMISED


def test_the_example_says_the_defaults() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    said = dict(re.findall(r"^#([A-Z_]+)=(.*)$", example, re.MULTILINE))
    assert re.search(r"^[^#\n]", example, re.MULTILINE) is None
    for name, default in DEFAULTS.items():
        expected = {"DATA_DIR": "./data", "WEB_CONCURRENCY": ""}.get(name, str(default))
        assert said[name].lower() == expected.lower(), name


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", "*"),
        ("ALLOWED_HOSTS", "example.com, *"),
        ("DATABASE_URL", "mysql://user:secret@host/name"),
        ("DATABASE_URL", "sqlite:///x"),
        ("DATABASE_URL", "postgresql://user:secret@host:port/name"),
        ("DEBUG", "maybe"),
        ("OVERDUE_AFTER", "15"),
        ("OVERDUE_AFTER", "1h,15m"),
        ("OVERDUE_AFTER", "1m,2m,3m"),
        ("OVERDUE_AFTER", "15m,,1h"),
        ("HTTPS", "x"),
        ("REST_PUBLIC", "public"),
        ("LANGUAGE_CODE", "fr"),
        ("LOG_FORMAT", "xml"),
        ("SQLITE_SYNCHRONOUS", "OFF"),
        ("TIME_ZONE", "Mars"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("TOKEN_TTL", "0"),
        ("TOKEN_TTL", "1h"),
        ("MAX_BODY_BYTES", "1"),
        ("TRUSTED_PROXIES", "-1"),
        ("WEB_CONCURRENCY", "0"),
        ("SECRET_KEY_FILE", "/nowhere/secret"),
        ("ADMIN_PASSWORD_FILE", "/nowhere/secret"),
        ("DATABASE_URL_FILE", "/nowhere/secret"),
        ("QUERY_SECONDS", "0"),
    ],
)
def test_a_wrong_value_is_refused_in_one_line_that_names_the_setting(
    tmp_path: Path, name: str, value: str
) -> None:
    with pytest.raises(WrongSetting) as api_error:
        read(tmp_path, **{"SECRET_KEY": "", name: value})
    assert name in str(api_error.value)
    assert "\n" not in str(api_error.value)
    assert "secret@" not in str(api_error.value)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(tmp_path: Path, name: str) -> None:
    urls = {
        "DATABASE_URL": "postgresql://user@host/name",
        "EMAIL_URL": "smtps://name:password@host",
        "TELEGRAM_PROXY": "http://name:password@host:3128",
    }
    secret = urls.get(name, "s3cret")
    (tmp_path / "secret").write_text(f"{secret}\n")
    values = read(tmp_path, **{name: "", f"{name}_FILE": str(tmp_path / "secret")})
    assert values[name] == secret


def test_importing_the_settings_changes_nothing(tmp_path: Path) -> None:
    modules = {name: sys.modules[name] for name in ("sqlite3", "sqlite3.dbapi2")}
    values = read(tmp_path / "data", SECRET_KEY="")
    assert list(tmp_path.iterdir()) == []
    assert {name: sys.modules[name] for name in modules} == modules
    assert values["SECRET_KEY_IS_TEMPORARY"]
    assert len(values["SECRET_KEY"]) >= 50
    assert read(tmp_path / "data", SECRET_KEY="")["SECRET_KEY"] != values["SECRET_KEY"]


def test_the_key_that_is_kept_is_read(tmp_path: Path) -> None:
    key = secret_key.keep("the kept one", tmp_path)
    values = read(tmp_path, SECRET_KEY="")
    assert (values["SECRET_KEY"], values["SECRET_KEY_IS_TEMPORARY"]) == (key, False)
    assert read(tmp_path, SECRET_KEY="given")["SECRET_KEY"] == "given"


def test_https_makes_cookies_secure(tmp_path: Path) -> None:
    plain, safe = read(tmp_path), read(tmp_path, HTTPS="true")
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert (plain[name], safe[name]) == (False, True)
    assert plain["SECURE_HSTS_SECONDS"] == 0
    assert safe["SECURE_HSTS_SECONDS"] > 0


def database(folder: Path, **environment: str) -> dict[str, Any]:
    configured: dict[str, Any] = read(folder, **environment)["DATABASES"]["default"]
    return configured


def test_a_database_url_means_postgresql_by_connections_that_are_kept_and_checked(tmp_path: Path) -> None:
    configured = database(tmp_path, DATABASE_URL="postgresql://u:p%40ss@db.example:5433/name")
    assert configured["ENGINE"] == "django.db.backends.postgresql"
    assert (configured["USER"], configured["PASSWORD"], configured["NAME"]) == ("u", "p@ss", "name")
    assert (configured["HOST"], configured["PORT"]) == ("db.example", 5433)
    assert (configured["CONN_MAX_AGE"], configured["CONN_HEALTH_CHECKS"]) == (None, True)


@pytest.mark.parametrize(
    ("query", "names", "values"),
    [
        ("?options=-c%20search_path%3Dx", ["options"], ["-c lock_timeout=5s -c search_path=x"]),
        ("?options=-c%20lock_timeout%3D9s", ["options"], ["-c lock_timeout=5s -c lock_timeout=9s"]),
        ("?currentSchema=x", ["options"], ["-c lock_timeout=5s -c search_path=x"]),
        ("?sslmode=require&connect_timeout=9", ["sslmode", "connect_timeout"], ["require", 9]),
    ],
)
def test_the_options_of_a_database_url_are_kept(
    tmp_path: Path, query: str, names: list[str], values: list[object]
) -> None:
    options = database(tmp_path, DATABASE_URL=f"postgresql://u@h/name{query}")["OPTIONS"]
    assert [options[name] for name in names] == values


def test_the_default_of_workers_leaves_postgresql_connections(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cpus, "available", lambda: 64)
    assert read(tmp_path)["WEB_CONCURRENCY"] * 4 < 100


def test_sqlite_is_in_the_data_folder_and_immediate(tmp_path: Path) -> None:
    configured = database(tmp_path, SQLITE_SYNCHRONOUS="NORMAL")
    assert configured["NAME"] == tmp_path / "incidents.sqlite3"
    assert configured["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "synchronous=NORMAL" in configured["OPTIONS"]["init_command"]

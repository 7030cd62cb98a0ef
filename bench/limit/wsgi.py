import base64
import hashlib
import json
import os
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

try:
    # The library that the service runs on.
    import pysqlite3 as sqlite3
except ImportError:
    import sqlite3

SQLITE = sqlite3.sqlite_version
Environ = dict[str, Any]
Result = tuple[int, Any]
REASONS = {200: "200 OK", 201: "201 Created", 400: "400 Bad Request", 401: "401 Unauthorized"}
STORED_TO_POST = {
    "open": "new",
    "in_progress": "processing",
    "resolved": "completed",
    "closed": "completed",
    "cancelled": "fake",
    "fake": "fake",
    "unknown": "unknown",
}
POST_TO_STORED = {"new": "open", "processing": "in_progress", "completed": "resolved", "unknown": "unknown"}
SOURCES = {"operator", "monitoring", "partner", "unknown"}
ROLES = {"operator"}
local = threading.local()
# Under the service's worker a group commit waits for the disk, as in the service itself.
if GROUP_COMMIT := "DJANGO_SETTINGS_MODULE" in os.environ:
    from common.db import group_commit


class Content(list[bytes]):
    streaming = False


def database() -> sqlite3.Connection:
    if not hasattr(local, "connection"):
        file = Path(os.environ["DATA_DIR"]) / "incidents.sqlite3"
        local.connection = sqlite3.connect(file, isolation_level=None, timeout=5)
        local.connection.execute(f"PRAGMA synchronous={'NORMAL' if GROUP_COMMIT else 'FULL'}")
        local.connection.execute("PRAGMA foreign_keys=ON")
    connection: sqlite3.Connection = local.connection
    return connection


def now_text() -> str:
    return str(datetime.now(UTC))[:26]


def user_of(token: str) -> int | None:
    found = (
        database()
        .execute(
            "SELECT t.expires_at, t.fingerprint, t.last_used_at, u.id, u.password, u.is_superuser,"
            " u.username, u.role FROM users_token t JOIN users_user u ON u.id = t.user_id"
            " WHERE t.digest = ? AND u.is_active",
            (hashlib.sha256(token.encode()).hexdigest(),),
        )
        .fetchone()
    )
    if found is None:
        return None
    expires_at, fingerprint, _last_used_at, user_id, password, is_superuser, _username, role = found
    if expires_at <= now_text() or fingerprint != hashlib.sha256(password.encode()).hexdigest():
        return None
    return int(user_id) if is_superuser or role in ROLES else None


def commit(connection: sqlite3.Connection) -> None:
    connection.execute("COMMIT")
    if GROUP_COMMIT:
        group_commit.mark_dependent_read()


def create(user_id: int, body: dict[str, Any]) -> Result:
    text, source = body["incident"], body["source"]
    if not isinstance(text, str) or not text.strip() or source not in SOURCES:
        return 400, {}
    now = now_text()
    connection = database()
    connection.execute("BEGIN IMMEDIATE")
    [(pk,)] = connection.execute(
        "INSERT INTO incidents_incident (description, search_text, status, source, created_at, updated_at,"
        " created_by_id, idempotency_key) VALUES (?, ?, 'open', ?, ?, ?, ?, NULL) RETURNING id",
        (text, text.casefold().replace("ё", "е"), source, now, now, user_id),
    ).fetchall()
    connection.execute(
        "INSERT INTO incidents_event (incident_id, kind, at, by_id, door, status_from, status_to, comment)"
        " VALUES (?, 'created', ?, ?, 'post', '', 'open', '')",
        (pk, now, user_id),
    )
    commit(connection)
    return 201, {"id": pk, "created": True}


def update(user_id: int, body: dict[str, Any]) -> Result:
    status = POST_TO_STORED[body["status"]]
    now = now_text()
    connection = database()
    connection.execute("BEGIN IMMEDIATE")
    [(before,)] = connection.execute(
        "SELECT status FROM incidents_incident WHERE id = ?", (int(body["id"]),)
    ).fetchall()
    connection.execute(
        "UPDATE incidents_incident SET status = ?, updated_at = ? WHERE id = ?", (status, now, body["id"])
    )
    connection.execute(
        "INSERT INTO incidents_event (incident_id, kind, at, by_id, door, status_from, status_to, comment)"
        " VALUES (?, 'status_changed', ?, ?, 'post', ?, ?, '')",
        (body["id"], now, user_id, before, status),
    )
    commit(connection)
    return 200, {}


def get_all(_user_id: int, body: dict[str, Any]) -> Result:
    rows = (
        database()
        .execute(
            "SELECT created_at, id, description, status, source FROM incidents_incident WHERE status = ?"
            " ORDER BY created_at DESC, id DESC LIMIT ?",
            (POST_TO_STORED[body["status"]], body["limit"] + 1),
        )
        .fetchall()
    )
    items = [
        {
            "id": pk,
            "incident": description,
            "status": STORED_TO_POST[status],
            "source": source,
            "created_at": f"{created_at[:10]}T{created_at[11:23]}Z",
        }
        for created_at, pk, description, status, source in rows[: body["limit"]]
    ]
    return 200, {"incidents": items, "next": f"{rows[-1][0]} {rows[-1][1]}"}


def authorization(body: dict[str, Any]) -> Result:
    connection = database()
    [(user_id, password)] = connection.execute(
        "SELECT id, password FROM users_user WHERE username = ?", (body["username"],)
    ).fetchall()
    _algorithm, iterations, salt, expected = password.split("$")
    found = hashlib.pbkdf2_hmac("sha256", body["password"].encode(), salt.encode(), int(iterations))
    if base64.b64encode(found).decode() != expected:
        return 401, {}
    token = "inc_" + secrets.token_urlsafe(32)
    expires = str(datetime.now(UTC) + timedelta(hours=1))[:26]
    connection.execute(
        "INSERT INTO users_token (digest, user_id, name, fingerprint, created_at, expires_at)"
        " VALUES (?, ?, '', ?, ?, ?)",
        (
            hashlib.sha256(token.encode()).hexdigest(),
            user_id,
            hashlib.sha256(password.encode()).hexdigest(),
            now_text(),
            expires,
        ),
    )
    return 200, {"token": token, "expires_at": expires}


CALLS: dict[str, Callable[[int, dict[str, Any]], Result]] = {
    "/incidents/create/": create,
    "/incidents/update/": update,
    "/incidents/get_all/": get_all,
}


def respond(environ: Environ) -> Result:
    body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    if environ["PATH_INFO"] == "/users/authorization/":
        return authorization(body)
    user_id = user_of(body["token"])
    return (401, {}) if user_id is None else CALLS[environ["PATH_INFO"]](user_id, body)


def application(environ: Environ, start_response: Callable[..., Any]) -> Content:
    status, data = respond(environ)
    content = orjson.dumps({"success": status < 400, "error": "", "status": status, "data": data})
    start_response(
        REASONS[status], [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    )
    return Content([content])

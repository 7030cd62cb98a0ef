"""Browser sessions in the database, looked up only by what may be the key of one."""

import re

from django.contrib.sessions.backends import db

# A cookie may hold any character, also NUL, by an escape; PostgreSQL has no text with that.
KEY = re.compile(r"[a-z0-9]{32}")


class SessionStore(db.SessionStore):
    def __init__(self, session_key: str | None = None) -> None:
        super().__init__(session_key if session_key and KEY.fullmatch(session_key) else None)

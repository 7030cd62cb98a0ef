"""Work with the incident service from a shell or from Python.

    python3 client.py --help

    from client import Client

    with Client("http://127.0.0.1:8000", "admin", "complexpassword") as client:
        created = client.create("Scooter 17 does not unlock", "partner")
        client.update(created["id"], "processing", "A mechanic is on the way")
        for incident in client.incidents(status="new"):
            print(incident["id"], incident["incident"])

    Client("http://127.0.0.1:8000", token="inc_...")     with a machine's token from /admin/

Every method may raise:

    ClientError
    ├── Refused           the service says no, and why
    ├── LoginFailed       the service refuses the name and password, or the token
    └── Unavailable       the service cannot be reached or stays too busy
        └── AnswerLost    the same, but the request may have been carried out
"""

import argparse
import codecs
import contextlib
import getpass
import io
import itertools
import json
import logging
import math
import os
import random
import re
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

SOURCES = ("operator", "monitoring", "partner", "unknown")
STATUSES = ("new", "processing", "completed", "fake", "unknown")
SEVERITIES = ("critical", "error", "warning", "info")
# What an update leaves as it is, where None is a value.
UNCHANGED: Any = object()
LARGEST_PAGE = 1000
# Of one response, whatever the server sends: 1000 incidents of 10,000 emoji are 120 MB at most.
MAX_RESPONSE_BYTES = 256 * 1024 * 1024
MAX_RESPONSE_SECONDS = 300

JSON = dict[str, Any]

log = logging.getLogger(__name__)
jitter = random.SystemRandom()

# One variable of .env, as python-dotenv reads it for the service; a quoted value may have several lines.
ENV_VARIABLE = re.compile(
    r"""
    ^\s* (?:export[^\S\n]+)? (?:'(?P<quoted_name>[^']+)' | (?!')(?P<name>[^=#\s]+)) [^\S\n]*
    = (?:
        [^\S\n]+ \#[^\n]* $
        | [^\S\n]* (?:
            (?:'(?P<single>(?:\\[\s\S]|[^'\\])*)' | "(?P<double>(?:\\[\s\S]|[^"\\])*)")
            [^\S\n]* (?:\#[^\n]*)? $
            | (?![^\S\n]|['"]) (?P<plain>[^\n]*?) (?:[^\S\n]+\#[^\n]*)? [^\S\n]* $
        )
    )
    """,
    re.VERBOSE | re.MULTILINE,
)


class ClientError(Exception):
    exit_code = 1


class Refused(ClientError):
    """`status` is that of HTTP, the text is the service's own."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


class LoginFailed(ClientError):
    exit_code = 4


class Unavailable(ClientError):
    """`retry_after` is the service's Retry-After in seconds, 0 without one."""

    exit_code = 3

    def __init__(self, error: str, retry_after: float = 0) -> None:
        super().__init__(error)
        self.retry_after = retry_after


class AnswerLost(Unavailable):
    pass


class WrongUse(ClientError):
    """The arguments of the command line do not go together."""

    exit_code = 2


class Client:
    """The service at `url`, for one user; not to be shared between threads.

    The user logs in by name and password; a machine has a long-lived `token` instead, which is
    sent as it is and never ended here. `timeout` limits each wait for the network, `patience`
    how long a call is retried while the service is unavailable; both in seconds.
    """

    def __init__(
        self,
        url: str,
        username: str = "",
        password: str = "",
        *,
        token: str = "",
        timeout: float = 10,
        patience: float = 15,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"a URL looks like http://127.0.0.1:8000, not like {url!r}")
        self.url = url.rstrip("/")
        self.username = username
        self.password = password
        self.timeout = timeout
        self.patience = patience
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._address = (parts.hostname, parts.port)
        self._prefix = parts.path.rstrip("/")
        self._logs_in = not token
        self._token = token
        self._renew_at = math.inf if token else 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # A user has at most ten tokens from logins: each one left behind ends another.
        with contextlib.suppress(ClientError):
            self.logout()

    def authorize(self) -> JSON:
        """Get a new token, `{"token", "expires_at"}`; every other method does so by itself.

        Raises `LoginFailed` for a client with a machine's token, which only an administrator renews.
        """
        if not self._logs_in:
            raise LoginFailed("a machine's token cannot be renewed by a login")
        login = {"username": self.username, "password": self.password}
        try:
            data: JSON = self._send("/users/authorization/", login)["data"]
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise LoginFailed(f"cannot log in as {self.username}: {refused}") from refused
        expires_at = datetime.fromisoformat(data["expires_at"])
        life = (expires_at - datetime.now(UTC)).total_seconds()
        # A tenth early, so that no request arrives with an expired one. If the clocks differ, a 401 follows.
        self._renew_at = time.monotonic() + (0.9 * life if life > 0 else 3600)
        self._token = data["token"]
        return data

    def logout(self) -> None:
        """End the token of the login; a later call gets another. Sent once, since it expires anyway."""
        if self._token and self._logs_in:
            self._send_once("/users/logout/", {})
            self._token, self._renew_at = "", 0.0

    def create(
        self,
        incident: str,
        source: str,
        date: str | None = None,
        idempotency_key: str = "",
        *,
        severity: str | None = None,
        dedup_key: str | None = None,
    ) -> JSON:
        """Create an incident, once, however often it has to be sent: `{"id", "created"}`.

        `date` is text such as 2025-11-11T23:08:12.266Z; None is now. A call with the same
        `idempotency_key` again returns the first incident, and `created` is False. `dedup_key` is the
        caller's own name for what is wrong: while an incident with it is not finished, that one is
        returned, `created` is False, and its `repeats` goes up.
        """
        key = idempotency_key or str(uuid.uuid4())
        fields = {"incident": incident, "source": source, "date": date, "idempotency_key": key}
        fields |= {"severity": severity, "dedup_key": dedup_key}
        return self._post("/incidents/create/", fields)

    def get(self, incident_id: int | None = None, *, dedup_key: str | None = None) -> JSON:
        """Return an incident as `get_all` does, with `updated_at` and its `history`, oldest first.

        It is found by its id, or by the key under which this user has reported it, while it is not finished.
        """
        fields = {"id": incident_id, "dedup_key": dedup_key}
        incident: JSON = self._post("/incidents/get/", fields)["incident"]
        return incident

    def get_all(
        self,
        status: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        *,
        severity: str | None = None,
        source: str | None = None,
        assignee: str | None = None,
    ) -> JSON:
        """Return `{"incidents": [...]}`, newest first; with `limit` (1-1000) one page of them.

        An incident is `{"id", "incident", "status", "source", "created_at", "severity", "assignee",
        "dedup_key", "repeats", "last_seen_at"}`. `assignee` is a username, "me", or "none" for what
        nobody has. A page has `next` too: the `cursor` of the next page, None on the last.
        """
        fields = {"status": status, "limit": limit, "cursor": cursor}
        fields |= {"severity": severity, "source": source, "assignee": assignee}
        try:
            return self._post("/incidents/get_all/", fields)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return {"incidents": [], "next": None}

    def incidents(
        self,
        status: str | None = None,
        limit: int | None = None,
        *,
        severity: str | None = None,
        source: str | None = None,
        assignee: str | None = None,
    ) -> Iterator[JSON]:
        """Iterate over the incidents, newest first; pages are fetched as needed."""
        filters = {"severity": severity, "source": source, "assignee": assignee}
        left = sys.maxsize if limit is None else limit
        cursor = None
        while True:
            page = self.get_all(status, min(left, LARGEST_PAGE), cursor, **filters)
            yield from page["incidents"]
            left -= len(page["incidents"])
            cursor = page["next"]
            if cursor is None or left <= 0 or not page["incidents"]:
                return

    def update(
        self,
        incident_id: int | None = None,
        status: str | None = None,
        comment: str | None = None,
        *,
        dedup_key: str | None = None,
        severity: str | None = UNCHANGED,
        assignee: str | None = UNCHANGED,
        idempotency_key: str = "",
    ) -> None:
        """Change what is given of an incident; None clears its severity and gives it back.

        It is found by its id, or by the key under which this user has reported it, while it is not finished.
        The same `idempotency_key` again changes nothing.
        """
        fields: JSON = {"id": incident_id, "status": status, "comment": comment}
        if dedup_key is not None:
            fields["dedup_key"] = dedup_key
            # What has been finished by a lost response is found again only with one.
            idempotency_key = idempotency_key or str(uuid.uuid4())
        if idempotency_key:
            fields["idempotency_key"] = idempotency_key
        given = {"severity": severity, "assignee": assignee}
        fields |= {name: value for name, value in given.items() if value is not UNCHANGED}
        # A repeated status adds no event; without a key a repeated comment adds a second one.
        self._post("/incidents/update/", fields, repeatable=comment is None or bool(idempotency_key))

    def history(self, incident_id: int) -> list[JSON]:
        """Return what happened to an incident, oldest first.

        An event is `{"id", "kind", "at", "by", "door", "status_from", "status_from_display",
        "status_to", "status_to_display", "comment", "severity", "severity_display", "assignee"}`.
        """
        events: list[JSON] = self._call(f"/api/incidents/{incident_id}/history/")
        return events

    def events(self, after: str | None = None, limit: int = LARGEST_PAGE) -> JSON:
        """Return what happened after the cursor `after`, oldest first: `{"events", "next", "more"}`.

        None is the beginning, "now" what comes from now on, else the `next` of an earlier page. An event is
        `{"id", "kind", "at", "by", "door", "status_from", "status_to", "comment", "severity", "assignee",
        "incident"}`, with the incident as it is now. Raises `Refused` with status 410 if events after the
        cursor are gone.
        """
        return self._post("/incidents/events/", {"after": after, "limit": limit})

    def follow(self, after: str | None = "now", interval: float = 1) -> Iterator[JSON]:
        """Yield each page of `events` that has any, without end, with `interval` seconds between looks.

        Who keeps the `next` of the last page goes on from there another time, and misses nothing.
        """
        while True:
            try:
                page = self.events(after)
            except Unavailable as error:
                log.warning("%s", error)
                time.sleep(interval)
                continue
            after = page["next"]
            if page["events"]:
                yield page
            if not page["more"]:
                time.sleep(interval)

    def _post(self, path: str, fields: JSON, *, repeatable: bool = True) -> JSON:
        data: JSON = self._call(path, fields, repeatable=repeatable)["data"]
        return data

    def _call(self, path: str, fields: JSON | None = None, *, repeatable: bool = True) -> Any:
        """Send a request as the user, with a new token if the old one has ended."""
        if time.monotonic() >= self._renew_at:
            self.authorize()
        try:
            return self._send(path, fields, repeatable=repeatable)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            if not self._logs_in:
                raise LoginFailed(f"the token is refused: {refused}") from refused
        self.authorize()
        return self._send(path, fields, repeatable=repeatable)

    def _send(self, path: str, fields: JSON | None, *, repeatable: bool = True) -> Any:
        """Send a request, and again after each `Unavailable` until `patience` seconds have passed."""
        end = time.monotonic() + self.patience
        pause = 0.25
        while True:
            try:
                return self._send_once(path, fields)
            except Unavailable as error:
                # Jitter: clients that got the same Retry-After should not return at the same time.
                wait = (error.retry_after or pause) * jitter.uniform(1, 1.5)
                is_final = isinstance(error, AnswerLost) and not repeatable
                if is_final or time.monotonic() + wait > end:
                    raise
                log.warning("%s; trying again in %.1f s", error, wait)
                time.sleep(wait)
                pause = min(2 * pause, 8)

    def _send_once(self, path: str, fields: JSON | None) -> Any:
        """POST the fields, or GET if they are None; return the JSON of the response."""
        headers = {"Accept": "application/json", "Accept-Language": "en"}
        if fields is None:
            method, body = "GET", None
            headers["Authorization"] = f"Bearer {self._token}"
        else:
            method, body = "POST", json.dumps({**fields, "token": self._token}).encode()
            headers["Content-Type"] = "application/json"
        # Not urllib: it would use proxies of the environment even for 127.0.0.1, and follow
        # redirects, which turns a POST into a GET.
        with contextlib.closing(self._connection(*self._address, timeout=self.timeout)) as connection:
            try:
                connection.connect()
            except (OSError, UnicodeError) as error:
                raise Unavailable(f"cannot reach {self.url}: {error}") from error
            try:
                connection.request(method, self._prefix + path, body, headers)
                response = connection.getresponse()
                return self._read(response, whole_body(response))
            # A length past 64 bits is an OverflowError.
            except (OSError, HTTPException, OverflowError) as error:
                raise AnswerLost(f"no response from {self.url}: {error}") from error

    def _read(self, response: HTTPResponse, body: bytes) -> Any:
        """Return the JSON of a success; raise the exception for any other response."""
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            content = None
        if response.status < HTTPStatus.MULTIPLE_CHOICES and isinstance(content, dict | list):
            return content
        fields = content if isinstance(content, dict) else {}
        error = fields.get("error") or fields.get("detail") or f"{self.url} responds with {response.status}"
        if response.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            seconds = response.getheader("Retry-After", "")
            raise Unavailable(printable(error), float(seconds) if seconds.isdecimal() else 0)
        # A proxy's response when the service disconnects, perhaps after it has done the work.
        if response.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}:
            raise AnswerLost(printable(error))
        raise Refused(response.status, printable(error))


def whole_body(response: HTTPResponse) -> bytes:
    """Read a response within MAX_RESPONSE_BYTES and MAX_RESPONSE_SECONDS; raise `HTTPException` past them."""
    body = bytearray()
    end = time.monotonic() + MAX_RESPONSE_SECONDS
    while piece := response.read1(1024 * 1024):
        body += piece
        if len(body) > MAX_RESPONSE_BYTES or time.monotonic() > end:
            raise HTTPException("the response has no end")
    if response.length:
        raise HTTPException("the response is cut off")
    return bytes(body)


def printable(value: object) -> str:
    """Replace control characters: text from others must not control the terminal."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in str(value))


def local_time(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def table(*rows: Sequence[object]) -> str:
    """Align the columns of rows, the headings first; on a terminal, cut the lines to its width."""
    cells = [[printable("" if value is None else value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    # The last column is the longest: padding it would only wrap the lines.
    widths[-1] = 0
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    limit = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return "\n".join(line if len(line) <= limit else line[: limit - 1] + "…" for line in lines)


def incident_table(incidents: Sequence[JSON]) -> str:
    rows = (
        (one["id"], one["status"], one["source"], local_time(one["created_at"]), one["incident"])
        for one in incidents
    )
    return table(("ID", "STATUS", "SOURCE", "CREATED", "INCIDENT"), *rows)


def incident_card(incident: JSON) -> str:
    names = ("id", "incident", "status", "source", "severity", "assignee", "dedup_key", "repeats")
    times = ("created_at", "updated_at", "last_seen_at")
    rows = [(name, incident[name]) for name in names]
    rows += [(name, incident[name] and local_time(incident[name])) for name in times]
    events = (
        (
            local_time(one["at"]),
            one["by"],
            one["door"],
            one["kind"],
            one["status_to"],
            one["severity"] or one["assignee"],
            one["comment"],
        )
        for one in incident["history"]
    )
    history = table(("AT", "BY", "DOOR", "WHAT", "STATUS", "IS NOW", "COMMENT"), *events)
    return f"{table(*rows)}\n\n{history}"


def event_table(events: Sequence[JSON]) -> str:
    keys = ("by", "door", "kind", "status_from_display", "status_to_display", "comment")
    rows = ((local_time(one["at"]), *(one[key] for key in keys)) for one in events)
    return table(("AT", "BY", "DOOR", "WHAT", "FROM", "TO", "COMMENT"), *rows)


def show(options: argparse.Namespace, value: object, text: str) -> None:
    print(json.dumps(value) if options.json else text, flush=True)


def run_demo(client: Client, _options: argparse.Namespace) -> None:
    steps = itertools.count(1)

    def say(text: str) -> None:
        print(f"\n{next(steps)}. {text}\n")

    if client.username:
        say(f"Log in at {client.url} as {client.username}.")
        until = local_time(client.authorize()["expires_at"])
        print(f"The token expires at {until}; the client gets another by itself.")

    say("Create an incident, and another one from another source.")
    unlock = client.create("Scooter 17 does not unlock", "partner")["id"]
    key = str(uuid.uuid4())
    silent = client.create("Scooter 4 is silent", "monitoring", idempotency_key=key)["id"]
    print(f"They are numbers {unlock} and {silent}.")

    say("Send the second again with the same idempotency key, as if the response had been lost.")
    again = client.create("Scooter 4 is silent", "monitoring", idempotency_key=key)
    print(f"It is still number {again['id']}: two requests, one incident.")

    say("Update their statuses.")
    client.update(unlock, "processing", "A mechanic is on the way")
    client.update(unlock, "completed", "New battery")
    client.update(silent, "fake")
    print(f"Number {unlock} is completed, number {silent} was a false alarm.")

    say("List the newest incidents.")
    print(incident_table(client.get_all(limit=5)["incidents"]))

    say(f"Ask for the history of number {unlock}.")
    print(event_table(client.history(unlock)))

    print("\nNow you:\n")
    print('  python3 client.py create "Scooter 8 is parked on the tram line"')
    print("  python3 client.py list --status new")
    print("  python3 client.py watch    while you create something in another window")
    print("  python3 client.py --help")


def run_create(client: Client, options: argparse.Namespace) -> None:
    incident = sys.stdin.read().rstrip("\n") if options.incident == "-" else options.incident
    created = client.create(
        incident,
        options.source,
        options.date,
        options.key,
        severity=options.severity,
        dedup_key=options.dedup_key,
    )
    what = "created" if created["created"] else "was created before, with the same key"
    show(options, created, f"Incident {created['id']} {what}.")


def run_list(client: Client, options: argparse.Namespace) -> None:
    limit = None if options.all else options.limit
    filters = {"severity": options.severity, "source": options.source, "assignee": options.assignee}
    incidents = list(client.incidents(options.status, limit, **filters))
    show(options, incidents, incident_table(incidents) if incidents else "No incidents.")


def require_one_name(number: int | str | None, dedup_key: str | None) -> None:
    if isinstance(number, str) or (number is None) is (dedup_key is None):
        raise WrongUse("give either an ID or --dedup-key")


def run_get(client: Client, options: argparse.Namespace) -> None:
    require_one_name(options.id, options.dedup_key)
    incident = client.get(options.id, dedup_key=options.dedup_key)
    show(options, incident, incident_card(incident))


def run_update(client: Client, options: argparse.Namespace) -> None:
    number, status = options.id, options.status
    if isinstance(number, str) and status is None:
        number, status = None, number
    require_one_name(number, options.dedup_key)
    if all(value is None for value in (status, options.comment, options.severity, options.assignee)):
        raise WrongUse("give a status, --comment, --severity or --assignee")
    given = {name: getattr(options, name) or None for name in ("severity", "assignee")}
    given = {name: value for name, value in given.items() if getattr(options, name) is not None}
    client.update(
        number,
        status,
        options.comment,
        dedup_key=options.dedup_key,
        idempotency_key=options.key,
        **given,
    )
    name = options.dedup_key if number is None else number
    updated = (
        {"id": number, "status": status} if number is not None else {"dedup_key": name, "status": status}
    )
    show(options, updated | given, f"Incident {name} is {status or 'updated'}.")


def run_history(client: Client, options: argparse.Namespace) -> None:
    events = client.history(options.id)
    show(options, events, event_table(events))


def run_follow(client: Client, options: argparse.Namespace) -> None:
    kept = options.state.read_text(encoding="ascii").strip() if options.state.exists() else ""
    start = kept or client.events("now")["next"]
    print(f"Following {client.url}, Ctrl-C ends it.", file=sys.stderr)
    for page in client.follow(start, options.interval):
        for event in page["events"]:
            status = " -> ".join(filter(None, (event["status_from"], event["status_to"])))
            at, number = local_time(event["at"]), f"#{event['incident']['id']:<6}"
            cells = (at, number, f"{event['kind']:<14}", f"{status:<23}", event["by"], event["comment"])
            show(options, event, table(cells))
        keep(page["next"], options.state)


def keep(cursor: str, path: Path) -> None:
    """Replace the file as a whole: a cursor that is cut off could not be read again."""
    draft = path.with_name(f"{path.name}.draft")
    draft.write_text(cursor, encoding="ascii")
    draft.replace(path)


def run_watch(client: Client, options: argparse.Namespace) -> None:
    start = client.events("now")["next"]
    print(f"Watching {client.url}, Ctrl-C ends it.", file=sys.stderr)
    for page in client.follow(start, options.interval):
        for event in page["events"]:
            was, status = event["status_from"], event["status_to"]
            if was == status:
                continue
            one = {**event["incident"], "status": status, "was": was or None}
            step = f"{was} -> {status}" if was else status
            at = local_time(event["at"])[11:]
            show(options, one, table((at, f"#{one['id']:<6}", f"{step:<23}", one["incident"])))


EPILOG = """\
settings, from the environment or from the file .env beside this one; options win over them:
  INCIDENTS_URL     where the service is; else at HOST and PORT, else at http://127.0.0.1:8000
  INCIDENTS_TOKEN   a machine's token, instead of a login
  ADMIN_USERNAME    the user who logs in; else admin
  ADMIN_PASSWORD    the password; without it a terminal is asked
  NAME_FILE         for each of them, a file with the value

exit codes:
  0    done
  1    the service refused
  2    wrong options or settings
  3    the service cannot be reached or is too busy: try later
  4    the login failed
  130  interrupted
"""


class CommandLine(argparse.ArgumentParser):
    """Takes optional positional arguments on both sides of an option, as argparse does since Python 3.13."""

    is_parsing = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        if self.is_parsing or not any(action.nargs == "?" for action in self._get_positional_actions()):
            return super().parse_known_args(args, namespace)
        self.is_parsing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.is_parsing = False


def number_or_status(text: str) -> int | str:
    return text if text in STATUSES else int(text)


def command_line() -> argparse.ArgumentParser:
    common = CommandLine(add_help=False)
    common.add_argument("--url", help="where the service is")
    common.add_argument("--token", help="a machine's token instead of a login; others on this machine see it")
    common.add_argument("--username", help="the user who logs in")
    common.add_argument("--password", help="beware: others on this machine see it")
    common.add_argument("--json", action="store_true", help="for programs: one JSON value a line")

    parser = CommandLine(
        description="Work with the incident service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands, each with its own --help", metavar="COMMAND")

    def command(run: Callable[[Client, argparse.Namespace], None], summary: str) -> CommandLine:
        name = run.__name__.removeprefix("run_")
        added = commands.add_parser(name, parents=[common], help=summary, description=summary)
        added.set_defaults(run=run)
        return added

    command(run_demo, "show what the service does, step by step")

    create = command(run_create, "create an incident")
    create.add_argument("incident", help="what happened; - reads it from standard input")
    create.add_argument("--source", choices=SOURCES, default="operator")
    create.add_argument("--date", help="such as 2025-11-11T23:08:12.266Z; now, if not given")
    create.add_argument("--key", default="", help="idempotency key: the same never creates twice")
    create.add_argument("--severity", choices=SEVERITIES)
    create.add_argument(
        "--dedup-key", help="a name for what is wrong: with it, only one unfinished incident at a time"
    )

    listing = command(run_list, "list incidents, newest first")
    listing.add_argument("--status", choices=STATUSES)
    listing.add_argument("--severity", choices=SEVERITIES)
    listing.add_argument("--source", choices=SOURCES)
    listing.add_argument("--assignee", metavar="NAME", help="a username, me, or none: what nobody has")
    listing.add_argument("--limit", type=int, default=20, help="how many; 20, if not given")
    listing.add_argument("--all", action="store_true", help="every one of them")

    get = command(run_get, "show an incident with its history")
    get.add_argument("id", type=int, nargs="?")
    get.add_argument("--dedup-key", help="instead of the ID: the key under which you reported it")

    update = command(run_update, "change an incident")
    update.add_argument("id", type=number_or_status, nargs="?")
    update.add_argument("status", choices=STATUSES, nargs="?")
    update.add_argument("--dedup-key", help="instead of the ID: the key under which you reported it")
    update.add_argument("--comment", help="why")
    update.add_argument("--severity", choices=(*SEVERITIES, ""), metavar="SEVERITY", help='"" clears it')
    update.add_argument("--assignee", metavar="NAME", help='who is to have it; "" gives it back')
    update.add_argument("--key", default="", help="idempotency key: the same changes nothing twice")

    history = command(run_history, "show what happened to an incident")
    history.add_argument("id", type=int)

    watch = command(run_watch, "print incidents as they are created and change status, until Ctrl-C")
    watch.add_argument("--interval", type=float, default=1, help="seconds between looks; 1, if not given")

    follow = command(run_follow, "print every event from where the last run ended, until Ctrl-C")
    follow.add_argument("--state", type=Path, required=True, help="a file that keeps how far this has come")
    follow.add_argument("--interval", type=float, default=1, help="seconds between looks; 1, if not given")
    return parser


def settings(env_file: Path) -> dict[str, str]:
    """Return the environment, completed by the variables of `env_file` if it exists."""
    text = env_file.read_text(encoding="utf-8-sig") if env_file.exists() else ""
    found = {}
    for match in ENV_VARIABLE.finditer(text):
        single = re.sub(r"\\([\\'])", r"\1", match["single"] or "")
        double = re.sub(r"\\[\\'\"abfnrtv]", unescaped, match["double"] or "")
        found[match["quoted_name"] or match["name"]] = single or double or match["plain"] or ""
    return found | dict(os.environ)


def unescaped(escape: re.Match[str]) -> str:
    return codecs.decode(escape[0], "unicode-escape")


def connect(options: argparse.Namespace, env: dict[str, str]) -> Client:
    """Return a client by the options, completed by the settings. Raises `ValueError`."""

    def setting(name: str, default: str = "") -> str:
        file = env.get(f"{name}_FILE")
        value = env.get(name) or (Path(file).read_text(encoding="utf-8") if file else "")
        return value.strip() or default

    # A service that listens on every address is reached by the loopback address.
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host := setting("HOST", "127.0.0.1"), host)  # noqa: S104
    host = f"[{host}]" if ":" in host else host
    url = options.url or setting("INCIDENTS_URL", f"http://{host}:{setting('PORT', '8000')}")
    logs_in = options.username or options.password
    if options.token and logs_in:
        raise ValueError("give either --token, or --username and --password")
    if token := options.token or ("" if logs_in else setting("INCIDENTS_TOKEN")):
        return Client(url, token=token)
    admin = setting("ADMIN_USERNAME", "admin")
    username = options.username or admin
    password = options.password or (setting("ADMIN_PASSWORD") if username == admin else "")
    if not password and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {username} at {url}: ")
    if not password:
        raise ValueError(
            "no password: set ADMIN_PASSWORD, ADMIN_PASSWORD_FILE or --password, or give a token"
        )
    return Client(url, username, password)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    logging.basicConfig(format="client.py: %(message)s")
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    parser = command_line()
    options = parser.parse_args(argv)
    if options.run is None:
        parser.print_help()
        return 0
    try:
        client = connect(options, settings(Path(__file__).with_name(".env")))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        with client:
            options.run(client, options)
        sys.stdout.flush()
    except ClientError as error:
        print(f"client.py: {error}", file=sys.stderr)
        return error.exit_code
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        print(f"client.py: unexpected response from {client.url}: {printable(error)}", file=sys.stderr)
        return ClientError.exit_code
    except BrokenPipeError:
        # The reader of the output has closed it; Python's flush at exit must not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)

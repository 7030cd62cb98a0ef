"""Work with the incident service from a shell or from Python.

    python3 client.py --help

    from client import Client

    with Client("http://127.0.0.1:8000", "admin", "complexpassword") as client:
        created = client.create("Scooter 17 does not unlock", "partner")
        client.update(created["id"], "processing", "A mechanic is on the way")
        for incident in client.incidents(status="new"):
            print(incident["id"], incident["incident"])

Every method may raise:

    ClientError
    ├── Refused           the service says no, and why
    ├── LoginFailed       the service does not let this user in
    └── Unavailable       nobody answers, or the service stays too busy
        └── AnswerLost    the same, but the request may have been carried out
"""

import argparse
import contextlib
import getpass
import io
import itertools
import json
import logging
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
LARGEST_PAGE = 1000

JSON = dict[str, Any]

log = logging.getLogger(__name__)
jitter = random.SystemRandom()


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
    """`retry_after` is what the service asks us to wait, in seconds; 0 where it does not ask."""

    exit_code = 3

    def __init__(self, error: str, retry_after: float = 0) -> None:
        super().__init__(error)
        self.retry_after = retry_after


class AnswerLost(Unavailable):
    pass


class Client:
    """The service at `url`, as one user sees it; not to be shared between threads.

    `timeout` bounds each wait for the network, `patience` how long a call goes on trying while
    the service is away; both in seconds.
    """

    def __init__(
        self, url: str, username: str, password: str, *, timeout: float = 10, patience: float = 15
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
        self._token = ""
        self._renew_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        # A user has few tokens at a time: one left behind would push out another.
        with contextlib.suppress(ClientError):
            self.logout()

    def authorize(self) -> JSON:
        """Get a new token, `{"token", "expires_at"}`; every other method does so by itself."""
        login = {"username": self.username, "password": self.password}
        try:
            data: JSON = self._send("/users/authorization/", login)["data"]
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
            raise LoginFailed(f"cannot log in as {self.username}: {refused}") from refused
        expires_at = datetime.fromisoformat(data["expires_at"])
        life = (expires_at - datetime.now(UTC)).total_seconds()
        # A tenth early, lest it dies on the way. Where the two clocks disagree, a 401 will tell.
        self._renew_at = time.monotonic() + (0.9 * life if life > 0 else 3600)
        self._token = data["token"]
        return data

    def logout(self) -> None:
        """End the token; a later call gets another. Tried once, since it would expire anyway."""
        if self._token:
            self._send_once("/users/logout/", {})
            self._token, self._renew_at = "", 0.0

    def create(self, incident: str, source: str, date: str | None = None, idempotency_key: str = "") -> JSON:
        """Create an incident, once, however often it has to be sent: `{"id", "created"}`.

        `date` is text such as 2025-11-11T23:08:12.266Z; None is now. With a key of your own you
        may repeat the call too: it brings the first incident, and `created` is False.
        """
        key = idempotency_key or str(uuid.uuid4())
        fields = {"incident": incident, "source": source, "date": date, "idempotency_key": key}
        return self._post("/incidents/create/", fields)

    def get_all(self, status: str | None = None, limit: int | None = None, cursor: str | None = None) -> JSON:
        """Return `{"incidents": [...]}`, newest first; with `limit` (1-1000) one page of them.

        An incident is `{"id", "incident", "status", "source", "created_at"}`. A page has `next`
        too: the `cursor` of the following one, None on the last.
        """
        fields = {"status": status, "limit": limit, "cursor": cursor}
        try:
            return self._post("/incidents/get_all/", fields)
        except Refused as refused:
            if refused.status != HTTPStatus.NOT_FOUND:
                raise
            return {"incidents": [], "next": None}

    def incidents(self, status: str | None = None, limit: int | None = None) -> Iterator[JSON]:
        """Walk through the incidents, newest first; pages are fetched as the walk needs them."""
        left = sys.maxsize if limit is None else limit
        cursor = None
        while True:
            page = self.get_all(status, min(left, LARGEST_PAGE), cursor)
            yield from page["incidents"]
            left -= len(page["incidents"])
            cursor = page["next"]
            if cursor is None or left <= 0:
                return

    def update(self, incident_id: int, status: str, comment: str | None = None) -> None:
        fields = {"id": incident_id, "status": status, "comment": comment}
        # A status set twice is one event, a comment sent twice is two.
        self._post("/incidents/update/", fields, repeatable=comment is None)

    def history(self, incident_id: int) -> list[JSON]:
        """Return what happened to an incident, oldest first.

        An event is `{"id", "kind", "at", "by", "door", "status_from", "status_from_display",
        "status_to", "status_to_display", "comment"}`.
        """
        events: list[JSON] = self._call(f"/api/incidents/{incident_id}/history/")
        return events

    def _post(self, path: str, fields: JSON, *, repeatable: bool = True) -> JSON:
        data: JSON = self._call(path, fields, repeatable=repeatable)["data"]
        return data

    def _call(self, path: str, fields: JSON | None = None, *, repeatable: bool = True) -> Any:
        """Send a request in the user's name, with a new token where the old one has died."""
        if time.monotonic() >= self._renew_at:
            self.authorize()
        try:
            return self._send(path, fields, repeatable=repeatable)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
        self.authorize()
        return self._send(path, fields, repeatable=repeatable)

    def _send(self, path: str, fields: JSON | None, *, repeatable: bool = True) -> Any:
        """Send a request until it is answered or our patience ends."""
        end = time.monotonic() + self.patience
        pause = 0.25
        while True:
            try:
                return self._send_once(path, fields)
            except Unavailable as trouble:
                # Clients that were sent away together should not come back together.
                wait = (trouble.retry_after or pause) * jitter.uniform(1, 1.5)
                is_final = isinstance(trouble, AnswerLost) and not repeatable
                if is_final or time.monotonic() + wait > end:
                    raise
                log.warning("%s; trying again in %.1f s", trouble, wait)
                time.sleep(wait)
                pause = min(2 * pause, 8)

    def _send_once(self, path: str, fields: JSON | None) -> Any:
        """POST the fields, or GET where there are none; return the JSON of the answer."""
        headers = {"Accept": "application/json", "Accept-Language": "en"}
        if fields is None:
            method, body = "GET", None
            headers["Authorization"] = f"Bearer {self._token}"
        else:
            method, body = "POST", json.dumps({**fields, "token": self._token}).encode()
            headers["Content-Type"] = "application/json"
        # Not urllib: it would believe in proxies even on the way to this very machine, and
        # follow redirects, which turns a POST into a GET.
        with contextlib.closing(self._connection(*self._address, timeout=self.timeout)) as line:
            try:
                line.connect()
            except (OSError, UnicodeError) as error:
                raise Unavailable(f"cannot reach {self.url}: {error}") from error
            try:
                line.request(method, self._prefix + path, body, headers)
                response = line.getresponse()
                return self._read(response, response.read())
            except (OSError, HTTPException) as error:
                raise AnswerLost(f"no answer from {self.url}: {error}") from error

    def _read(self, response: HTTPResponse, body: bytes) -> Any:
        """Return the JSON of a success, raise what any other answer means."""
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if response.status < HTTPStatus.MULTIPLE_CHOICES and isinstance(answer, dict | list):
            return answer
        told = answer if isinstance(answer, dict) else {}
        error = told.get("error") or told.get("detail") or f"{self.url} answers {response.status}"
        if response.status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
            asked = response.getheader("Retry-After", "")
            raise Unavailable(printable(error), float(asked) if asked.isdecimal() else 0)
        # So a proxy says that the service went away, perhaps after it had done the work.
        if response.status in {HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}:
            raise AnswerLost(printable(error))
        raise Refused(response.status, printable(error))


def printable(value: object) -> str:
    """Return text that cannot steer a terminal: it was written by somebody else."""
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in str(value))


def local_time(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M:%S}"


def table(*rows: Sequence[object]) -> str:
    """Align the columns of rows, the headings first; on a terminal, cut the lines to its width."""
    cells = [[printable("" if value is None else value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    # The last column is the long one: padding it would only wrap the lines.
    widths[-1] = 0
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize
    return "\n".join(line if len(line) <= room else line[: room - 1] + "…" for line in lines)


def incident_table(incidents: Sequence[JSON]) -> str:
    rows = (
        (one["id"], one["status"], one["source"], local_time(one["created_at"]), one["incident"])
        for one in incidents
    )
    return table(("ID", "STATUS", "SOURCE", "CREATED", "INCIDENT"), *rows)


def event_table(events: Sequence[JSON]) -> str:
    keys = ("by", "door", "kind", "status_from_display", "status_to_display", "comment")
    rows = ((local_time(one["at"]), *(one[key] for key in keys)) for one in events)
    return table(("AT", "BY", "DOOR", "WHAT", "FROM", "TO", "COMMENT"), *rows)


def show(options: argparse.Namespace, answer: object, text: str) -> None:
    print(json.dumps(answer) if options.json else text, flush=True)


def run_demo(client: Client, _options: argparse.Namespace) -> None:
    steps = itertools.count(1)

    def say(text: str) -> None:
        print(f"\n{next(steps)}. {text}\n")

    say(f"Log in at {client.url} as {client.username}.")
    until = local_time(client.authorize()["expires_at"])
    print(f"The token is good until {until}; the client gets another by itself.")

    say("Create an incident, and another one from another source.")
    unlock = client.create("Scooter 17 does not unlock", "partner")["id"]
    key = str(uuid.uuid4())
    silent = client.create("Scooter 4 is silent", "monitoring", idempotency_key=key)["id"]
    print(f"They are numbers {unlock} and {silent}.")

    say("Send the second again with the same idempotency key, as if its answer had been lost.")
    again = client.create("Scooter 4 is silent", "monitoring", idempotency_key=key)
    print(f"It is still number {again['id']}: what is sent twice is created once.")

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
    created = client.create(incident, options.source, options.date, options.key)
    what = "created" if created["created"] else "was created before, with the same key"
    show(options, created, f"Incident {created['id']} {what}.")


def run_list(client: Client, options: argparse.Namespace) -> None:
    incidents = list(client.incidents(options.status, None if options.all else options.limit))
    show(options, incidents, incident_table(incidents) if incidents else "No incidents.")


def run_update(client: Client, options: argparse.Namespace) -> None:
    client.update(options.id, options.status, options.comment)
    answer = {"id": options.id, "status": options.status}
    show(options, answer, f"Incident {options.id} is {options.status}.")


def run_history(client: Client, options: argparse.Namespace) -> None:
    events = client.history(options.id)
    show(options, events, event_table(events))


def changes(newest: Sequence[JSON], seen: dict[int, str]) -> Iterator[JSON]:
    """Yield the incidents, oldest first, whose status is not the one in `seen`, and note it there.

    Each has `was` too: the status before, None where the incident is new.
    """
    for incident in reversed(newest):
        was = seen.get(incident["id"])
        if incident["status"] != was:
            seen[incident["id"]] = incident["status"]
            yield {**incident, "was": was}


def run_watch(client: Client, options: argparse.Namespace) -> None:
    newest = client.get_all(limit=LARGEST_PAGE)["incidents"]
    seen = {incident["id"]: incident["status"] for incident in newest}
    print(f"Watching {client.url}, Ctrl-C ends it.", file=sys.stderr)
    while True:
        time.sleep(options.interval)
        try:
            newest = client.get_all(limit=LARGEST_PAGE)["incidents"]
        except Unavailable as trouble:
            log.warning("%s", trouble)
            continue
        for one in changes(newest, seen):
            status = f"{one['was']} -> {one['status']}" if one["was"] else one["status"]
            now = f"{datetime.now().astimezone():%H:%M:%S}"
            show(options, one, table((now, f"#{one['id']:<6}", f"{status:<23}", one["incident"])))


EPILOG = """\
settings, from the environment or from the file .env beside this one; options win over them:
  INCIDENTS_URL     where the service is; else at HOST and PORT, else at http://127.0.0.1:8000
  ADMIN_USERNAME    who logs in; else admin
  ADMIN_PASSWORD    asked for on a terminal where it is not set
  NAME_FILE         for each of them, a file that holds the value

exit codes:
  0    done
  1    the service refused
  2    wrong options or settings
  3    the service cannot be reached or is too busy: try later
  4    the login failed
  130  interrupted
"""


def command_line() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", help="where the service is")
    common.add_argument("--username", help="who logs in")
    common.add_argument("--password", help="beware: others on this machine see it")
    common.add_argument("--json", action="store_true", help="for programs: one JSON value a line")

    parser = argparse.ArgumentParser(
        description="Work with the incident service.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(title="commands, each with its own --help", metavar="COMMAND")

    def command(run: Callable[[Client, argparse.Namespace], None], summary: str) -> argparse.ArgumentParser:
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

    listing = command(run_list, "list incidents, newest first")
    listing.add_argument("--status", choices=STATUSES)
    listing.add_argument("--limit", type=int, default=20, help="how many; 20, if not given")
    listing.add_argument("--all", action="store_true", help="every one of them")

    update = command(run_update, "change the status of an incident")
    update.add_argument("id", type=int)
    update.add_argument("status", choices=STATUSES)
    update.add_argument("--comment", help="why")

    history = command(run_history, "show what happened to an incident")
    history.add_argument("id", type=int)

    watch = command(run_watch, "print what is new or changed among the newest 1000, until Ctrl-C")
    watch.add_argument("--interval", type=float, default=5, help="seconds between looks; 5, if not given")
    return parser


def settings(env_file: Path) -> dict[str, str]:
    """Return the environment, completed by the NAME=value lines of `env_file` if it exists."""
    line = r"\s*(?:export\s+)?(\w+)\s*=\s*(['\"]?)(.*?)\2\s*(?:\s#.*)?"
    lines = env_file.read_text(encoding="utf-8").splitlines() if env_file.exists() else []
    found = (re.fullmatch(line, text) for text in lines)
    return {match[1]: match[3] for match in found if match} | dict(os.environ)


def connect(options: argparse.Namespace, env: dict[str, str]) -> Client:
    """Return the client that the options ask for, and where they are silent, the settings."""

    def setting(name: str, default: str = "") -> str:
        file = env.get(f"{name}_FILE")
        value = env.get(name) or (Path(file).read_text(encoding="utf-8") if file else "")
        return value.strip() or default

    # A service that listens at every address has this one too.
    host = setting("HOST", "127.0.0.1").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    url = options.url or setting("INCIDENTS_URL", f"http://{host}:{setting('PORT', '8000')}")
    admin = setting("ADMIN_USERNAME", "admin")
    username = options.username or admin
    password = options.password or (setting("ADMIN_PASSWORD") if username == admin else "")
    if not password and sys.stdin.isatty():
        password = getpass.getpass(f"Password of {username} at {url}: ")
    if not password:
        raise ValueError("no password: set ADMIN_PASSWORD, ADMIN_PASSWORD_FILE or --password")
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
    except BrokenPipeError:
        # Whoever read our output has had enough; Python's own last flush must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (KeyboardInterrupt, EOFError):
        sys.exit(130)

"""client.py against the real service; against a server that misbehaves on purpose where faults are due."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from dotenv import dotenv_values
from pytest_django.live_server_helper import LiveServer

import client as client_module
from client import (
    AnswerLost,
    Client,
    LoginFailed,
    Refused,
    Unavailable,
    command_line,
    connect,
    main,
    settings,
)
from users import tokens
from users.models import Token, User

PASSWORD = "alice's long password"


@pytest.fixture
def alice(transactional_db: None, settings: Any) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return User.objects.create_user("alice", password=PASSWORD)


@pytest.fixture
def alices_client(alice: User, live_server: LiveServer) -> Iterator[Client]:
    with Client(live_server.url, "alice", PASSWORD) as client:
        yield client


@pytest.fixture
def options(alice: User, live_server: LiveServer) -> list[str]:
    return ["--url", live_server.url, "--username", "alice", "--password", PASSWORD]


class TestLibrary:
    def test_an_incident_is_created_updated_listed_and_has_a_history(self, alices_client: Client) -> None:
        created = alices_client.create("Самокат не в сети", "monitoring", "2025-11-11T23:08:12.266Z")
        alices_client.update(created["id"], "processing", "On the way")

        (incident,) = alices_client.incidents("processing")
        assert incident == {
            "id": created["id"],
            "incident": "Самокат не в сети",
            "status": "processing",
            "source": "monitoring",
            "created_at": "2025-11-11T23:08:12.266Z",
            "severity": None,
            "assignee": None,
            "dedup_key": None,
            "repeats": 0,
            "last_seen_at": None,
        }
        first, second = alices_client.history(created["id"])
        assert (first["kind"], first["by"], first["status_to"]) == ("created", "alice", "open")
        assert (second["status_from"], second["status_to"]) == ("open", "in_progress")
        assert second["comment"] == "On the way"

    def test_a_walk_through_the_pages_meets_each_incident_once(
        self, alices_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "LARGEST_PAGE", 2)
        ids = [alices_client.create(f"Scooter {number}", "partner")["id"] for number in range(5)]

        assert [incident["id"] for incident in alices_client.incidents()] == ids[::-1]
        assert [incident["id"] for incident in alices_client.incidents(limit=3)] == ids[:1:-1]

    def test_no_incidents_are_an_empty_list(self, alices_client: Client) -> None:
        assert alices_client.get_all("fake") == {"incidents": [], "next": None}
        assert list(alices_client.incidents()) == []

    def test_the_same_key_brings_the_first_incident(self, alices_client: Client) -> None:
        first = alices_client.create("Twice", "operator", idempotency_key="key")
        again = alices_client.create("Twice", "operator", idempotency_key="key")

        assert again == {**first, "created": False}

    def test_a_dedup_key_brings_the_unfinished_incident(self, alices_client: Client) -> None:
        first = alices_client.create("Disk full", "monitoring", severity="error", dedup_key="db1/disk")
        again = alices_client.create("Disk full", "monitoring", dedup_key="db1/disk")
        assert again == {**first, "created": False}

        alices_client.update(dedup_key="db1/disk", comment="97 %", severity="critical", assignee="alice")
        incident = alices_client.get(dedup_key="db1/disk")
        assert (incident["id"], incident["repeats"]) == (first["id"], 1)
        assert (incident["severity"], incident["assignee"]) == ("critical", "alice")
        assert [event["kind"] for event in incident["history"]] == [
            "created",
            "commented",
            "severity",
            "assigned",
        ]

        alices_client.update(dedup_key="db1/disk", status="completed", severity=None, assignee=None)
        incident = alices_client.get(first["id"])
        assert (incident["status"], incident["severity"], incident["assignee"]) == ("completed", None, None)
        with pytest.raises(Refused, match="Incident have not found"):
            alices_client.get(dedup_key="db1/disk")

    def test_a_list_is_filtered(self, alices_client: Client) -> None:
        one = alices_client.create("One", "partner", severity="error")["id"]
        other = alices_client.create("Other", "monitoring")["id"]
        alices_client.update(other, assignee="alice")

        chosen: list[tuple[dict[str, Any], int]] = [
            ({"severity": "error"}, one),
            ({"source": "monitoring"}, other),
            ({"assignee": "me"}, other),
            ({"assignee": "none"}, one),
        ]
        for filters, number in chosen:
            assert [found["id"] for found in alices_client.incidents(**filters)] == [number]

    def test_a_refusal_has_the_status_and_the_words_of_the_service(self, alices_client: Client) -> None:
        with pytest.raises(Refused, match="Incident have not found") as refused:
            alices_client.update(404, "fake")

        assert refused.value.status == 404

    def test_a_token_that_died_early_is_replaced(self, alices_client: Client) -> None:
        alices_client.create("Before", "operator")
        Token.objects.all().delete()

        assert len(alices_client.history(alices_client.create("After", "operator")["id"])) == 1

    def test_leaving_ends_the_token(self, alice: User, live_server: LiveServer) -> None:
        with Client(live_server.url, "alice", PASSWORD) as client:
            client.authorize()
            assert Token.objects.exists()

        assert not Token.objects.exists()

    def test_a_wrong_password_is_a_failed_login(self, alice: User, live_server: LiveServer) -> None:
        with pytest.raises(LoginFailed, match="cannot log in as alice: Invalid credentials"):
            Client(live_server.url, "alice", "wrong").authorize()

    def test_a_machines_token_needs_no_login_and_is_not_ended(
        self, alice: User, live_server: LiveServer
    ) -> None:
        secret = tokens.issue(alice, lifetime=timedelta(days=30), name="sensor 7").secret
        for _visit in range(2):
            with Client(live_server.url, token=secret) as client:
                assert len(client.history(client.create("Fire", "monitoring")["id"])) == 1
                client.logout()

        assert Token.objects.get().name == "sensor 7"

    def test_a_machines_token_that_is_refused_is_a_failed_login(
        self, alice: User, live_server: LiveServer
    ) -> None:
        with Client(live_server.url, token="inc_wrong") as client:
            with pytest.raises(LoginFailed, match="the token is refused: Invalid token"):
                client.create("Fire", "monitoring")
            with pytest.raises(LoginFailed, match="cannot be renewed"):
                client.authorize()

    def test_proxies_of_the_environment_are_not_used(
        self, alices_client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

        assert alices_client.authorize()["token"]


class FaultyServer:
    """Gives the answers it was told, in turn, and keeps the requests. An answer of None hangs up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: list[tuple[int, dict[str, str], bytes] | None] = []
        self.requests: list[dict[str, Any]] = []

    def will_answer(self, status: int, body: object, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append((status, named, content))

    def will_let_in(self, *, seconds: float = 3600) -> None:
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds)
        self.will_answer(200, {"data": {"token": "inc_x", "expires_at": expires_at.isoformat()}})

    def will_hang_up(self) -> None:
        self.answers.append(None)


@pytest.fixture
def faulty() -> Iterator[FaultyServer]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fields = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append({"path": self.path, **fields})
            answer = script.answers.pop(0)
            if answer is None:
                return
            status, headers, content = answer
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        script = FaultyServer(f"http://127.0.0.1:{server.server_port}")
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client slept by a clock which needs no time for it."""
    slept: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(slept), sleep=slept.append)
    monkeypatch.setattr(client_module, "time", clock)
    return slept


class TestFaults:
    @pytest.mark.parametrize(
        "body",
        [
            [1, 2],
            {},
            {"data": None},
            {"data": {"token": "x", "expires_at": 5}},
            {"data": {"token": "x", "expires_at": "2027-01-01"}},
            b'{"data":' + b"[" * 100_000,
        ],
    )
    def test_a_response_of_another_shape_is_no_traceback(
        self, faulty: FaultyServer, capsys: pytest.CaptureFixture[str], body: object
    ) -> None:
        faulty.will_answer(200, body)
        assert main(["list", "--url", faulty.url, "--username", "alice", "--password", "x"]) == 1
        assert capsys.readouterr().err.startswith("client.py: ")

    def test_a_response_without_an_end_is_left(
        self, faulty: FaultyServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(client_module, "MAX_RESPONSE_BYTES", 1000)
        faulty.will_let_in()
        faulty.will_answer(200, b"{" + b" " * 100_000)
        with pytest.raises(AnswerLost, match="no end"):
            Client(faulty.url, "alice", PASSWORD, patience=0).get(1)

    def test_a_walk_ends_at_an_empty_page(self, faulty: FaultyServer) -> None:
        faulty.will_let_in()
        faulty.will_answer(200, {"data": {"incidents": [], "next": "again"}})
        assert list(Client(faulty.url, "alice", PASSWORD).incidents()) == []

    def test_a_create_is_sent_again_with_the_same_key(
        self, faulty: FaultyServer, pauses: list[float]
    ) -> None:
        faulty.will_let_in()
        faulty.will_hang_up()
        faulty.will_answer(502, b"<h1>Bad gateway</h1>")
        faulty.will_answer(503, {"error": "Service is busy, try again"})
        faulty.will_answer(201, {"data": {"id": 1, "created": True}})

        assert Client(faulty.url, "alice", PASSWORD).create("Once", "operator")["id"] == 1
        keys = [request["idempotency_key"] for request in faulty.requests[1:]]
        assert keys == [keys[0]] * 4
        assert keys[0]
        assert pauses == sorted(pauses)
        assert len(pauses) == 3

    @pytest.mark.parametrize("status", [429, 503])
    def test_it_comes_back_when_the_service_says(
        self, faulty: FaultyServer, pauses: list[float], status: int
    ) -> None:
        faulty.will_answer(status, {"error": "Later"}, Retry_After="7")
        faulty.will_let_in()

        Client(faulty.url, "alice", PASSWORD, patience=60).authorize()

        (pause,) = pauses
        assert 7 <= pause <= 10.5

    def test_it_does_not_wait_longer_than_its_patience(
        self, faulty: FaultyServer, pauses: list[float]
    ) -> None:
        faulty.will_answer(429, {"error": "Too many attempts, try again later"}, Retry_After="900")

        with pytest.raises(Unavailable, match="Too many attempts"):
            Client(faulty.url, "alice", PASSWORD).authorize()
        assert pauses == []

    def test_a_comment_is_not_sent_twice(self, faulty: FaultyServer, pauses: list[float]) -> None:
        faulty.will_let_in()
        faulty.will_hang_up()

        with pytest.raises(AnswerLost):
            Client(faulty.url, "alice", PASSWORD).update(1, "fake", "A drill")
        assert [request["path"] for request in faulty.requests[1:]] == ["/incidents/update/"]

    def test_an_update_without_comment_is_sent_again(self, faulty: FaultyServer, pauses: list[float]) -> None:
        faulty.will_let_in()
        faulty.will_hang_up()
        faulty.will_answer(200, {"data": {}})

        Client(faulty.url, "alice", PASSWORD).update(1, "fake")

        assert [request["path"] for request in faulty.requests[1:]] == ["/incidents/update/"] * 2

    @pytest.mark.parametrize("given", [{"dedup_key": "k"}, {"incident_id": 1, "idempotency_key": "mine"}])
    def test_a_comment_with_a_key_is_sent_again_with_the_same(
        self, faulty: FaultyServer, pauses: list[float], given: dict[str, Any]
    ) -> None:
        faulty.will_let_in()
        faulty.will_hang_up()
        faulty.will_answer(200, {"data": {}})

        Client(faulty.url, "alice", PASSWORD).update(status="completed", comment="Over", **given)

        first, again = faulty.requests[1:]
        assert first == again
        assert first["idempotency_key"] == given.get("idempotency_key", first["idempotency_key"]) != ""

    def test_an_update_sends_what_it_was_given_and_no_more(self, faulty: FaultyServer) -> None:
        faulty.will_let_in()
        faulty.will_answer(200, {"data": {}})

        Client(faulty.url, "alice", PASSWORD).update(1, "fake", severity=None)

        del faulty.requests[1]["token"]
        path = "/incidents/update/"
        change = {"id": 1, "status": "fake", "comment": None, "severity": None}
        assert faulty.requests[1] == {"path": path, **change}

    def test_a_token_is_renewed_before_it_expires(self, faulty: FaultyServer) -> None:
        faulty.will_let_in(seconds=0.5)
        faulty.will_let_in()
        faulty.will_answer(200, {"data": {}})
        client = Client(faulty.url, "alice", PASSWORD)
        client.authorize()
        time.sleep(0.5)

        client.update(1, "fake")

        assert [request["path"] for request in faulty.requests] == [
            "/users/authorization/",
            "/users/authorization/",
            "/incidents/update/",
        ]

    def test_a_clock_that_is_ahead_does_not_log_in_for_every_call(self, faulty: FaultyServer) -> None:
        faulty.will_let_in(seconds=-7200)
        faulty.will_answer(200, {"data": {}})
        client = Client(faulty.url, "alice", PASSWORD)
        client.authorize()

        client.update(1, "fake")

        assert len(faulty.requests) == 2

    @pytest.mark.parametrize("status", [200, 301, 404])
    def test_another_sort_of_server_is_named_as_such(self, faulty: FaultyServer, status: int) -> None:
        faulty.will_answer(status, b"<h1>Hello</h1>", Location="http://127.0.0.1:1/")

        with pytest.raises(Refused, match=f"{faulty.url} responds with {status}"):
            Client(faulty.url, "alice", PASSWORD).authorize()


def hear_interrupts() -> None:
    """Undo what a shell does to the jobs it starts in the background."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class TestCommandLine:
    def test_json_is_one_value_for_programs(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["create", "Самокат", "--source", "partner", "--json", *options]) == 0
        assert main(["list", "--json", *options]) == 0

        created, listed = (json.loads(line) for line in capsys.readouterr().out.splitlines())
        assert created["created"] is True
        assert [incident["incident"] for incident in listed] == ["Самокат"]

    def test_tables_are_aligned(self, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        main(["create", "Short", "--source", "unknown", *options])
        main(["create", "Long", "--source", "monitoring", *options])
        capsys.readouterr()

        assert main(["list", *options]) == 0

        lines = capsys.readouterr().out.splitlines()
        assert {
            line.rindex(word) for line, word in zip(lines, ("INCIDENT", "Long", "Short"), strict=True)
        } == {lines[0].index("INCIDENT")}

    def test_a_hostile_text_cannot_steer_the_terminal(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["create", "\x9b31m red \u202e turned\nID  STATUS", *options])
        capsys.readouterr()

        main(["list", *options])

        _heading, *rows = capsys.readouterr().out.splitlines()
        assert len(rows) == 1
        assert rows[0].isprintable()

    def test_update_and_history_show_what_was_done(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        main(["create", "Scooter 8", "--json", *options])
        number = str(json.loads(capsys.readouterr().out)["id"])

        assert main(["update", number, "completed", "--comment", "New battery", *options]) == 0
        assert main(["history", number, *options]) == 0

        said = capsys.readouterr().out
        assert f"Incident {number} is completed." in said
        assert "New battery" in said.splitlines()[-1]

    def test_an_incident_is_updated_and_shown_by_its_dedup_key(
        self, options: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        create = ["create", "Disk full", "--severity", "error", "--dedup-key", "db1/disk"]
        assert main([*create, *options]) == main([*create, *options]) == 0
        update = ["update", "--dedup-key", "db1/disk", "--severity", "", "--assignee", "alice"]
        assert main([*update, "processing", "--comment", "On it", *options]) == 0
        assert main(["get", "--dedup-key", "db1/disk", *options]) == 0
        said = capsys.readouterr().out
        assert "was created before, with the same key" in said
        assert "Incident db1/disk is processing." in said
        assert "On it" in said
        assert main(["list", "--severity", "error", *options]) == 0
        assert capsys.readouterr().out == "No incidents.\n"

        filters = ["--source", "operator", "--assignee", "me", "--status", "processing"]
        assert main(["list", "--json", *filters, *options]) == 0
        [incident] = json.loads(capsys.readouterr().out)
        assert (incident["assignee"], incident["severity"], incident["repeats"]) == ("alice", None, 1)
        assert main(["update", str(incident["id"]), "--assignee", "", "--json", *options]) == 0
        updated = {"id": incident["id"], "status": None, "assignee": None}
        assert json.loads(capsys.readouterr().out) == updated
        assert main(["get", str(incident["id"]), "--json", *options]) == 0
        assert json.loads(capsys.readouterr().out)["assignee"] is None

    @pytest.mark.parametrize(
        "given",
        [
            ["update"],
            ["update", "7"],
            ["update", "completed"],
            ["update", "--dedup-key", "k"],
            ["update", "7", "completed", "--dedup-key", "k"],
            ["update", "completed", "fake", "--dedup-key", "k"],
            ["update", "--comment", "x"],
            ["get"],
            ["get", "7", "--dedup-key", "k"],
        ],
    )
    def test_arguments_that_do_not_go_together_are_a_wrong_use(
        self, options: list[str], capsys: pytest.CaptureFixture[str], given: list[str]
    ) -> None:
        assert main([*given, *options]) == 2
        assert capsys.readouterr().err.startswith("client.py: give ")

    @pytest.mark.parametrize(
        "given",
        [
            ["7", "completed", "--comment", "x"],
            ["7", "--comment", "x", "completed"],
            ["--comment", "x", "7", "completed"],
        ],
    )
    def test_an_option_stands_anywhere(self, given: list[str]) -> None:
        read = command_line().parse_args(["update", *given])
        assert (read.id, read.status, read.comment) == (7, "completed", "x")

    def test_the_demo_runs_to_its_end(self, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["demo", *options]) == 0

        said = capsys.readouterr().out
        assert "A mechanic is on the way" in said
        assert said.endswith("python3 client.py --help\n")

    def test_watch_prints_what_is_new_and_what_changed_until_it_is_interrupted(
        self, options: list[str], alices_client: Client
    ) -> None:
        old = alices_client.create("Old", "operator")["id"]
        command = [sys.executable, client_module.__file__, "watch", "--interval", "0.05", *options]
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hear_interrupts,  # noqa: PLW1509  # it takes no lock
        ) as watch:
            assert watch.stdout
            assert watch.stderr
            watch.stderr.readline()
            alices_client.create("Fresh", "partner")
            fresh = watch.stdout.readline()
            alices_client.update(old, "processing")
            changed = watch.stdout.readline()
            watch.send_signal(signal.SIGINT)

            assert fresh.endswith("Fresh\n")
            assert "new -> processing" in changed
            assert watch.stderr.read() == ""
        assert watch.returncode == 130

    def test_follow_goes_on_where_the_last_run_ended(
        self, options: list[str], alices_client: Client, tmp_path: Path
    ) -> None:
        state = tmp_path / "cursor"
        state.write_text(alices_client.events("now")["next"])
        command = [sys.executable, client_module.__file__, "follow", f"--state={state}", "--interval=0.05"]

        def lines(count: int) -> list[str]:
            with subprocess.Popen(
                [*command, *options],
                stdout=subprocess.PIPE,
                text=True,
                preexec_fn=hear_interrupts,  # noqa: PLW1509  # it takes no lock
            ) as follow:
                assert follow.stdout
                found = [follow.stdout.readline() for _line in range(count)]
                while alices_client.events(state.read_text())["events"]:
                    time.sleep(0.01)
                follow.send_signal(signal.SIGINT)
            return found

        one = alices_client.create("Scooter 1", "partner")["id"]
        alices_client.update(one, "processing", "On the way")
        created, changed = lines(2)
        assert "created" in created
        assert "new -> processing" in changed
        assert changed.endswith("On the way\n")
        alices_client.update(one, "completed")
        [last] = lines(1)
        assert "processing -> completed" in last

    @pytest.mark.parametrize(
        ("code", "given"),
        [
            (1, ["update", "404", "fake"]),
            (1, ["history", "404"]),
            (4, ["list", "--password", "wrong"]),
            (4, ["list", "--token", "inc_wrong"]),
        ],
    )
    def test_what_went_wrong_is_told_by_the_exit_code(
        self, options: list[str], capsys: pytest.CaptureFixture[str], code: int, given: list[str]
    ) -> None:
        command, *rest = given
        options = options[:2] if "--token" in rest else options

        assert main([command, *options, *rest]) == code
        assert capsys.readouterr().err.startswith("client.py: ")

    @pytest.mark.usefixtures("pauses")
    def test_nobody_there_is_told_by_the_exit_code(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["list", "--url", "http://127.0.0.1:1", "--password", PASSWORD]) == 3
        assert "cannot reach http://127.0.0.1:1" in capsys.readouterr().err

    @pytest.mark.parametrize(
        "url", ["127.0.0.1:8000", "ftp://127.0.0.1", "http://127.0.0.1:70000", "http://"]
    )
    def test_a_wrong_url_is_a_wrong_use(self, url: str) -> None:
        with pytest.raises(SystemExit) as end:
            main(["list", "--url", url, "--password", PASSWORD])

        assert end.value.code == 2

    def test_without_a_command_it_helps(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert main([]) == 0
        assert "exit codes:" in capsys.readouterr().out


def connected(*words: str, **env: str) -> Client:
    return connect(command_line().parse_args(["list", *words]), env)


class TestSettings:
    def test_nothing_but_a_password_is_needed(self) -> None:
        client = connected(ADMIN_PASSWORD=PASSWORD)

        assert (client.url, client.username, client.password) == ("http://127.0.0.1:8000", "admin", PASSWORD)

    def test_the_service_is_where_its_own_settings_say(self) -> None:
        client = connected(HOST="0.0.0.0", PORT="8080", ADMIN_PASSWORD=PASSWORD)  # noqa: S104

        assert client.url == "http://127.0.0.1:8080"

    def test_an_option_wins(self) -> None:
        env = {"INCIDENTS_URL": "http://there:1", "ADMIN_USERNAME": "root", "ADMIN_PASSWORD": "no"}

        client = connected("--url", "https://here/", "--username", "alice", "--password", PASSWORD, **env)

        assert (client.url, client.username, client.password) == ("https://here", "alice", PASSWORD)

    def test_a_secret_may_be_in_a_file(self, tmp_path: Path) -> None:
        file = tmp_path / "password"
        file.write_text(f"{PASSWORD}\n", encoding="utf-8")

        assert connected(ADMIN_PASSWORD_FILE=str(file)).password == PASSWORD

    def test_the_password_of_the_admin_is_not_tried_for_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO())

        with pytest.raises(ValueError, match="no password"):
            connected("--username", "alice", ADMIN_PASSWORD=PASSWORD)

    def test_a_url_of_an_ipv6_address_has_brackets(self) -> None:
        for host, url in {"::1": "[::1]", "::": "[::1]", "2001:db8::7": "[2001:db8::7]"}.items():
            assert connected(HOST=host, ADMIN_PASSWORD=PASSWORD).url == f"http://{url}:8000"

    def test_a_token_is_used_instead_of_a_login(self) -> None:
        client = connected(INCIDENTS_TOKEN="inc_x", ADMIN_PASSWORD=PASSWORD)

        assert (client.username, client.password) == ("", "")

    def test_a_user_named_by_an_option_wins_over_the_token_of_the_environment(self) -> None:
        client = connected("--username", "alice", "--password", PASSWORD, INCIDENTS_TOKEN="inc_x")

        assert client.username == "alice"

    def test_a_token_and_a_password_together_are_refused(self) -> None:
        with pytest.raises(ValueError, match="either --token, or --username"):
            connected("--token", "inc_x", "--password", PASSWORD)

    @pytest.mark.parametrize(
        "line",
        [
            "A=1",
            "# A=0",
            " export  A = two words  # why",
            "A='a # b'  # c",
            'A="a b"# c',
            "A=a#b #c",
            "A=#b",
            "A= # b",
            "A=",
            "A= ",
            "A=a=b",
            "'A'=1",
            "A",
            "A=${HOME} $HOME",
            'A="${HOME:-x}"',
            "A='it\\'s \\\\ \\n'",
            'A="\\t\\"\\\\ \\n \\x"',
            'A="two\nlines"',
            "A='two\nB=lines'",
            "A='not closed",
            "A='a' b",
            "A=\\n",
            "A=Я \u00a0b",
            "A=1\n\n  B=2\nA=3",
        ],
    )
    def test_the_env_file_is_read_as_the_service_reads_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
    ) -> None:
        file = tmp_path / ".env"
        file.write_text(f'{line}\nLAST="x"\n', encoding="utf-8")
        monkeypatch.setattr(os, "environ", {})

        read = dotenv_values(file, interpolate=False)
        assert settings(file) == {name: value for name, value in read.items() if value is not None}

    def test_the_environment_wins_over_the_env_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file = tmp_path / ".env"
        file.write_text("A=1\nB=2\n", encoding="utf-8")
        monkeypatch.setattr(os, "environ", {"A": "from the environment"})

        assert settings(file) == {"A": "from the environment", "B": "2"}

"""The server that `manage.py serve` starts, with the service in it. HTTP itself is tested in server/tests."""

import contextlib
import json
import signal
import socket
import sqlite3
import time
from collections.abc import Iterator

import pytest
from django.conf import settings as running

from testing.service import PASSWORD, Service, read_response, request_bytes, served

LIMIT = 4096
CREATE = "/incidents/create/"
REST = "/api/incidents/"
BIG_PAGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
# Each is read, and its token missed, only if its body has come through.
CALL = request_bytes("POST", CREATE, b"{}", Connection="")
MISSED = b"Token is required"
HEAD = b"POST /incidents/create/ HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with served(MAX_BODY_BYTES=str(LIMIT)) as running:
        yield running


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return service.token()


@pytest.fixture(scope="module")
def single() -> Iterator[Service]:
    """The service with one worker."""
    with served(WEB_CONCURRENCY="1") as running:
        yield running


def connected(service: Service, sent: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", service.port), timeout=10)
    client.sendall(sent)
    return client


def everything(client: socket.socket) -> bytes:
    """Read until the server closes."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while data := client.recv(65536):
            received += data
    return received


def asked(service: Service, *parts: bytes) -> bytes:
    """Send the parts one by one, then no more; read until the server closes."""
    with connected(service) as client:
        for part in parts:
            client.sendall(part)
            time.sleep(0.02 if len(parts) > 1 else 0)
        client.shutdown(socket.SHUT_WR)
        return everything(client)


def slow_reader(service: Service) -> socket.socket:
    """Ask for more than the kernel's buffers hold, and read none of it."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(10)
    client.connect(("127.0.0.1", service.port))
    client.sendall(request_bytes("GET", BIG_PAGE, Connection="") * 4 + request_bytes("GET", BIG_PAGE))
    return client


def chunked(*chunks: bytes, path: str = CREATE, **headers: str) -> bytes:
    coding = {"Content_Length": "", "Transfer_Encoding": "chunked", "Connection": ""}
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return request_bytes("POST", path, b"", **coding | headers) + body


# Slow clients


def test_slow_senders_keep_no_other_client_waiting(single: Service) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(50):
            for sent in (b"", CALL[:30], CALL[:-1], chunked(b"{}")[:-4]):
                held.enter_context(connected(single, sent))
        started = time.monotonic()
        assert single.post(CREATE).status == 400
        assert time.monotonic() - started < 1


def test_slow_readers_keep_no_other_client_waiting(single: Service) -> None:
    with contextlib.ExitStack() as held:
        readers = [held.enter_context(slow_reader(single)) for _ in range(30)]
        time.sleep(0.5)
        started = time.monotonic()
        assert single.post(CREATE).status == 400
        assert time.monotonic() - started < 1
        assert len(everything(readers[0])) > 7_000_000


def test_a_long_request_keeps_no_other_client_waiting(single: Service) -> None:
    """One thread hashes the password while another answers the rest."""
    credentials = json.dumps({"username": "admin", "password": PASSWORD}).encode()
    with connected(single, request_bytes("POST", "/users/authorization/", credentials)) as login:
        time.sleep(0.05)
        assert single.post(CREATE).status == 400
        login.setblocking(False)
        with pytest.raises(BlockingIOError):
            login.recv(1)
        login.setblocking(True)
        assert read_response(login).status == 200


# Bodies


def too_large() -> dict[str, bytes]:
    content = b" " * 3_000_000
    head = {"Content_Length": "99999999999"}
    return {
        "all of it comes": request_bytes("POST", "PATH", content, Connection=""),
        "only its head comes": request_bytes("POST", "PATH", b"", **head),
        "in chunks": chunked(*[b" " * 1000] * 3000, path="PATH"),
        "in tiny chunks": chunked(*[b" "] * 100_000, path="PATH"),
        "in trailers": chunked(path="PATH")[:-2] + b"X-Trailer: 1\r\n" * 100_000,
        "in one chunk that never ends": chunked(path="PATH")[:-5] + b"fffffff\r\n" + content,
        "with 100-continue": request_bytes("POST", "PATH", b"", Expect="100-continue", **head),
    }


@pytest.mark.parametrize("how", too_large())
@pytest.mark.parametrize("path", [CREATE, REST])
def test_a_body_over_the_limit_is_refused_in_the_dialect(
    service: Service, token: str, how: str, path: str
) -> None:
    headers = f"Authorization: Bearer {token}\r\nContent-Type: application/json".encode()
    sent = too_large()[how].replace(b"PATH", path.encode()).replace(b"Host:", headers + b"\r\nHost:")
    response = service.raw(sent)
    assert response.status == 413
    assert response.headers["connection"] == "close"
    assert set(response.json()) == ({"success", "error", "status", "data"} if path == CREATE else {"detail"})


def test_chunks_reach_the_service_as_one_body(service: Service) -> None:
    assert MISSED in asked(service, chunked(b"{", b"}"))


# Proxies


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO"])
def test_no_client_can_set_the_path_behind_a_proxy_s_rules(service: Service, name: str) -> None:
    headers = f"{name}: /x\r\nX-Forwarded-Proto: https\r\n".encode()
    for path in ("/healthz", "/x/healthz"):
        request = request_bytes("GET", path).replace(b"Host:", headers + b"Host:")
        assert service.raw(request).status == service.send("GET", path).status, path


# The log


def test_the_log_names_faults_but_never_what_was_sent() -> None:
    secret = b"inc_" + b"a" * 43
    with served(LOG_FORMAT="json") as service:
        for sent in (
            b"GET /api/incidents/?search=private HTTP/1.1 more\r\nHost: localhost\r\n\r\n",
            b"GET /api/incidents/?search=private\r\n\r\n",
            b"GET?private / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            HEAD + b"Authorization Bearer " + secret + b"\r\n\r\n",
            HEAD + b"Authorization: a\r\n " + secret + b"\r\n\r\n",
            HEAD + b"Transfer-Encoding: " + secret + b"\r\n\r\n",
            chunked()[:-5] + secret + b"\r\n",
            CALL.replace(b"create/", b"create/?private"),
        ):
            assert asked(service, sent).startswith((b"HTTP/1.1 4", b"HTTP/1.1 5")), sent
        log = (service.folder / "log").read_text()
    for private in (secret.decode(), "private"):
        assert private not in log
    lines = [json.loads(line) for line in log.splitlines() if '"gunicorn.error"' in line]
    messages = [line["message"] for line in lines]
    assert messages[0].startswith("Starting gunicorn")
    assert "Invalid request from 127.0.0.1: InvalidHTTPVersion" in messages
    assert "Invalid request from 127.0.0.1: InvalidHeader" in messages


@pytest.mark.skipif(bool(running.DATABASE_URL), reason="the database is broken by its file")
def test_the_log_says_where_an_error_was_raised_but_not_what_was_sent() -> None:
    with served() as service:
        with contextlib.closing(sqlite3.connect(service.folder / "data" / "incidents.sqlite3")) as database:
            database.execute("ALTER TABLE incidents_event RENAME TO elsewhere")
        assert service.send("GET", "/news?search=private").status == 500
        log = (service.folder / "log").read_text()
    assert "Error handling a request from 127.0.0.1: OperationalError" in log
    assert "in newest_event" in log
    assert "private" not in log


# The end


def test_a_stop_loses_nothing() -> None:
    with served() as service:
        content = f'{{"token": "{service.token()}", "incident": "Last one", "source": "operator"}}'.encode()
        call = request_bytes("POST", CREATE, content, Connection="")
        with contextlib.ExitStack() as held:
            clients = [held.enter_context(connected(service)) for _ in range(50)]
            late = held.enter_context(connected(service, call[:-5]))
            idle = held.enter_context(connected(service))
            for client in clients:
                client.sendall(call)
            service.process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            late.sendall(call[-5:])
            responses = [read_response(client) for client in [*clients, late]]
            assert [response.status for response in responses] == [201] * 51
            assert everything(idle) == b""
        service.process.wait(timeout=10)

"""The server that `manage.py serve` starts, over raw sockets: slow, idle, hostile and leaving clients."""

import contextlib
import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings as running

from testing.served import PASSWORD, Service, read_answer, request_bytes, served

LIMIT = 4096
CREATE = "/incidents/create/"
REST = "/api/incidents/"
BIG_PAGE = "/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui-bundle.js"
# Each is read, and its token missed, only if its body has come through.
CALL = request_bytes("POST", CREATE, b"{}", Connection="")
MISSED = b"Token is required"
HALF_HEAD = CALL[:30]
HALF_BODY = CALL[:-1]


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with served(MAX_BODY_BYTES=str(LIMIT)) as running:
        yield running


@pytest.fixture(scope="module")
def token(service: Service) -> str:
    return service.token()


@pytest.fixture(scope="module")
def hasty() -> Iterator[Service]:
    """The service with seconds and places so few that a test can use them up."""
    arguments = "--timeout 3 --keep-alive 2 --workers 1 --worker-connections 20"
    with served(GUNICORN_CMD_ARGS=arguments) as running:
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


# Slow and idle


SLOW = [b"", HALF_HEAD, HALF_BODY, chunked(b"{}")[:-4]]


@pytest.mark.parametrize("sent", SLOW, ids=["idle", "head", "body", "chunks"])
def test_others_do_not_notice_those_who_are_slow(service: Service, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(50):
            held.enter_context(connected(service, sent))
        started = time.monotonic()
        assert service.post(CREATE).status == 400
        assert time.monotonic() - started < 1


def test_others_do_not_notice_those_who_read_slowly(service: Service) -> None:
    with contextlib.ExitStack() as held:
        readers = [held.enter_context(slow_reader(service)) for _ in range(30)]
        time.sleep(0.5)
        started = time.monotonic()
        assert service.post(CREATE).status == 400
        assert time.monotonic() - started < 1
        # And whoever reads slowly still reads all of it.
        assert len(everything(readers[0])) > 7_000_000


def test_an_answer_that_takes_long_keeps_nobody_waiting(hasty: Service) -> None:
    """`hasty` has one worker: a thread hashes the password while another answers the rest."""
    credentials = json.dumps({"username": "admin", "password": PASSWORD}).encode()
    with connected(hasty, request_bytes("POST", "/users/authorization/", credentials)) as login:
        time.sleep(0.05)
        assert hasty.post(CREATE).status == 400
        login.setblocking(False)
        with pytest.raises(BlockingIOError):
            login.recv(1)
        login.setblocking(True)
        assert read_answer(login).status == 200


def test_a_request_may_come_in_pieces(service: Service) -> None:
    assert MISSED in asked(service, *(CALL[start : start + 9] for start in range(0, len(CALL), 9)))


def test_nobody_is_waited_for_in_vain(hasty: Service) -> None:
    started = time.monotonic()
    with contextlib.ExitStack() as held:
        reader = held.enter_context(slow_reader(hasty))
        idle = held.enter_context(connected(hasty, CALL))
        slow = {held.enter_context(connected(hasty)): sent for sent in SLOW if sent}
        # Byte for byte is no way to gain time.
        for position in range(20):
            for client, sent in slow.items():
                client.sendall(sent[position : position + 1])
            time.sleep(0.05)
        for client, sent in slow.items():
            client.sendall(sent[20:])
        assert MISSED in everything(idle)
        assert [everything(client) for client in slow] == [b""] * len(slow)
        assert 2.5 < time.monotonic() - started < 6
        time.sleep(1.5)
        assert len(everything(reader)) < 7_000_000


def test_new_clients_take_the_places_of_the_slowest(hasty: Service) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(60):
            held.enter_context(connected(hasty, HALF_HEAD))
            held.enter_context(connected(hasty))
        started = time.monotonic()
        assert hasty.post(CREATE).status == 400
        assert time.monotonic() - started < 1


# One connection, several requests


def test_requests_in_one_packet_are_answered_in_order(service: Service) -> None:
    answers = asked(service, CALL + request_bytes("GET", "/healthz", Connection="") + CALL)
    assert answers.count(b"HTTP/1.1 ") == 3
    assert [b" 400 " in part[:12] for part in answers.split(b"HTTP/1.1")[1:]] == [True, False, True]


def test_many_requests_in_one_packet_keep_nobody_waiting(hasty: Service) -> None:
    many = 400
    with connected(hasty, request_bytes("GET", "/healthz", Connection="") * many) as greedy:
        assert hasty.post(CREATE).status == 400
        greedy.setblocking(False)
        answered = 0
        with contextlib.suppress(BlockingIOError):
            while data := greedy.recv(65536):
                answered += data.count(b"HTTP/1.1 200")
        assert answered < many


def test_a_connection_serves_one_request_after_another(service: Service) -> None:
    with connected(service) as client:
        for name in ("first", "second", "third"):
            client.sendall(request_bytes("POST", CREATE, b"{}", Connection="", X_Request_ID=name))
            answer = read_answer(client)
            assert (answer.status, answer.headers["x-request-id"]) == (400, name)


def test_http_1_0_and_head(service: Service) -> None:
    head, _, body = asked(service, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\n\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200")
    assert body.startswith(b"{")
    assert asked(service, request_bytes("HEAD", "/healthz")).endswith(b"\r\n\r\n")


def test_clients_who_leave_harm_nobody(service: Service) -> None:
    for sent in (b"", HALF_HEAD, HALF_BODY, CALL, CALL * 20, request_bytes("GET", BIG_PAGE)):
        for _ in range(5):
            connected(service, sent).close()
    assert service.post(CREATE).status == 400
    assert "Traceback" not in (service.folder / "log").read_text()


# Bodies


@pytest.mark.parametrize(
    "sent",
    [
        chunked(b"{}"),
        chunked(b"{", b"}"),
        chunked(b"{" + b" " * (LIMIT - 2) + b"}"),
        chunked(b"{}").replace(b"2\r\n", b"0002 ; name=value\r\n"),
        chunked(b"{}")[:-2] + b"X-Trailer: 1\r\n\r\n",
    ],
)
def test_chunks_are_put_together(service: Service, sent: bytes) -> None:
    assert MISSED in asked(service, sent)
    assert MISSED in asked(service, *(sent[start : start + 300] for start in range(0, len(sent), 300)))
    assert asked(service, sent + CALL).count(MISSED) == 2


def test_malformed_chunks_are_refused(service: Service) -> None:
    for body in (
        b"x\r\n",
        b"-1\r\n",
        b"2\r\n{}x\r\n",
        b"2 2\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\r\n\r\n",
        b"f" * 100_000,
    ):
        answers = asked(service, chunked()[:-5] + body)
        assert answers.startswith(b"HTTP/1.1 4"), body
        assert answers.count(b"HTTP/1.1") < 2, body


def test_no_size_of_a_chunk_ends_a_worker(service: Service) -> None:
    before = workers(service)
    sizes = [digit * count for count in range(1, 18) for digit in (b"8", b"f")]
    for size in sizes:
        head = chunked()[:-5] + size + b"\r\n"
        # Whole, and so that the size arrives by itself.
        for parts in ([head], [head[: -len(size) - 2], size + b"\r\n"]):
            answer = asked(service, *parts)
            assert answer == b"" or answer.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ")), size
    assert workers(service) == before
    assert "Traceback" not in (service.folder / "log").read_text()


def workers(service: Service) -> set[int]:
    children = Path(f"/proc/{service.process.pid}/task/{service.process.pid}/children")
    return {int(pid) for pid in children.read_text().split()}


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
        "with leave asked for": request_bytes("POST", "PATH", b"", Expect="100-continue", **head),
    }


@pytest.mark.parametrize("how", too_large())
@pytest.mark.parametrize("path", [CREATE, REST])
def test_a_body_over_the_limit_is_refused_in_its_door(
    service: Service, token: str, how: str, path: str
) -> None:
    headers = f"Authorization: Bearer {token}\r\nContent-Type: application/json".encode()
    sent = too_large()[how].replace(b"PATH", path.encode()).replace(b"Host:", headers + b"\r\nHost:")
    answer = service.raw(sent)
    assert answer.status == 413
    assert answer.headers["connection"] == "close"
    assert set(answer.json()) == ({"success", "error", "status", "data"} if path == CREATE else {"detail"})


def test_who_asks_for_leave_to_send_gets_it_once(service: Service) -> None:
    sent = request_bytes("POST", CREATE, b"{}", Expect="100-continue")
    with connected(service, sent[:-2]) as client:
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"{}")
        answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert MISSED in answer


# What two servers could understand in two ways

HEAD = b"POST /incidents/create/ HTTP/1.1\r\nHost: localhost\r\n"
AMBIGUOUS = [
    HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}",
    HEAD + b"Content-Length: 2, 2\r\n\r\n{}",
    HEAD + b"Content-Length: +2\r\n\r\n{}",
    HEAD + b"Content-Length: -2\r\n\r\n{}",
    HEAD + b"Content-Length: 0x2\r\n\r\n{}",
    HEAD + b"Content-Length : 2\r\n\r\n{}",
    HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    HEAD + b"Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
    HEAD.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    HEAD + b"X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"X-Null: \0\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"X-Return: a\rb\r\nContent-Length: 2\r\n\r\n{}",
    HEAD + b"Host: elsewhere\r\nContent-Length: 2\r\n\r\n{}",
    HEAD.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}",
    HEAD + b"Content-Length: 2\n\r\n{}",
    HEAD + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n",
    HEAD + b"X-Endless: " + b"x" * 40_000,
    b"POST  /incidents/create/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST /incidents/create/ HTTP/2.0\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"x" * 40_000,
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\r\n\r\n",
]


@pytest.mark.parametrize("sent", AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_it_refuses_what_is_ambiguous(service: Service, sent: bytes) -> None:
    with connected(service, sent + CALL) as client:
        answers = everything(client)
    assert answers.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501 "))
    assert answers.count(b"HTTP/1.1 ") == 1
    assert MISSED not in answers


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
def test_the_log_tells_where_an_error_was_but_not_what_was_asked() -> None:
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
            answers = [read_answer(client) for client in [*clients, late]]
            assert [answer.status for answer in answers] == [201] * 51
            assert everything(idle) == b""
        service.process.wait(timeout=10)


def test_a_stop_while_clients_come_and_go_is_soon() -> None:
    def come_and_go(service: Service) -> None:
        with contextlib.suppress(OSError):
            while True:
                connected(service).close()

    for _ in range(3):
        with served() as service:
            clients = [threading.Thread(target=come_and_go, args=[service]) for _ in range(4)]
            for client in clients:
                client.start()
            time.sleep(0.5)
            service.process.send_signal(signal.SIGTERM)
            service.process.wait(timeout=10)
            for client in clients:
                client.join()
            assert "ERROR" not in (service.folder / "log").read_text()

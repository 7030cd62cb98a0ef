"""HTTP over raw sockets: where requests begin and end, and which are refused."""

import contextlib
import time
from collections.abc import Iterator

import pytest

from server.tests.application import MAX_BODY
from server.tests.serving import Service, everything, get, serving

POST = b"POST / HTTP/1.1\r\nHost: localhost\r\n"
CALL = POST + b"Content-Length: 2\r\n\r\n{}"
ANSWER = b"[POST 2 {}]"


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with serving() as running:
        yield running


def chunked(*chunks: bytes, head: bytes = POST) -> bytes:
    body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + body


# One connection, several requests


def test_a_request_may_arrive_in_pieces(service: Service) -> None:
    assert ANSWER in service.exchange(*(CALL[start : start + 9] for start in range(0, len(CALL), 9)))


def test_requests_in_one_packet_are_responded_to_in_order(service: Service) -> None:
    responses = service.exchange(CALL + get() + CALL)
    assert responses.count(b"HTTP/1.1 200") == 3
    assert [ANSWER in part for part in responses.split(b"HTTP/1.1")[1:]] == [True, False, True]


def test_many_requests_in_one_packet_keep_no_other_client_waiting(service: Service) -> None:
    many = 400
    with service.connect(get() * many) as greedy:
        assert service.seconds() < 2
        greedy.setblocking(False)
        answered = 0
        with contextlib.suppress(BlockingIOError):
            while data := greedy.recv(65536):
                answered += data.count(b"HTTP/1.1 200")
        assert answered < many


def test_a_connection_serves_one_request_after_another(service: Service) -> None:
    with service.connect() as client:
        for _ in range(3):
            client.sendall(CALL)
            received = b""
            while not received.endswith(ANSWER):
                received += client.recv(1000)
            assert received.count(b"HTTP/1.1 200") == 1


def test_http_1_0_closes_and_http_1_1_without_a_host_is_refused(service: Service) -> None:
    with service.connect(b"GET / HTTP/1.0\r\n\r\n") as client:
        assert everything(client).startswith(b"HTTP/1.0 200")
    assert service.exchange(b"GET / HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 400")


# Bodies


@pytest.mark.parametrize(
    "sent",
    [
        chunked(b"{}"),
        chunked(b"{", b"}"),
        chunked(b"{}").replace(b"2\r\n", b"0002 ; name=value\r\n"),
        chunked(b"{}").replace(b"2\r\n", b"00000000000000002\r\n"),
        chunked(b"{}")[:-2] + b"X-Trailer: 1\r\n\r\n",
    ],
)
def test_chunks_are_put_together(service: Service, sent: bytes) -> None:
    assert ANSWER in service.exchange(sent)
    assert ANSWER in service.exchange(*(sent[start : start + 30] for start in range(0, len(sent), 30)))
    assert service.exchange(sent + CALL).count(ANSWER) == 2


def test_a_body_of_the_largest_size_is_read(service: Service) -> None:
    body = b"x" * MAX_BODY
    assert body in service.exchange(chunked(body))
    assert body in service.exchange(POST + b"Content-Length: %d\r\n\r\n" % MAX_BODY + body)


@pytest.mark.parametrize(
    "body",
    [
        b"x\r\n",
        b"-1\r\n",
        b"2\r\n{}x\r\n",
        b"2 2\r\n{}\r\n0\r\n\r\n",
        b"2\n{}\n0\n\r\n\r\n",
        b"2;\x01\r\n",
        b"\r\n",
        b"f" * 100_000,
    ],
)
def test_malformed_chunks_are_refused(service: Service, body: bytes) -> None:
    head = chunked()[:-5]
    for responses in (service.exchange(head + body), service.exchange(head, body[:1], body[1:])):
        assert responses.startswith(b"HTTP/1.1 4"), body
        assert responses.count(b"HTTP/1.1") == 1, body


@pytest.mark.parametrize(
    "trailer", [b": x", b"no colon", b" folded: x", b"X : 1", b"X: \x00", b"X: a\rb", b"Host: x"]
)
def test_invalid_trailers_are_refused(service: Service, trailer: bytes) -> None:
    head = chunked()[:-2]
    for parts in ((head + trailer + b"\r\n\r\n",), (head, trailer[:1], trailer[1:] + b"\r\n\r\n")):
        responses = service.exchange(*parts)
        assert responses.startswith(b"HTTP/1.1 400"), responses
        assert responses.count(b"HTTP/1.1") == 1
    assert b"HTTP/1.1 200" in service.exchange(head + b"X-Trailer: 1\r\n\r\n")


def too_large() -> dict[str, bytes]:
    content = b" " * 3_000_000
    declared = b"Content-Length: 99999999999\r\n"
    return {
        "all of it comes": POST + b"Content-Length: 3000000\r\n\r\n" + content,
        "only its head comes": POST + declared + b"\r\n",
        "in chunks": chunked(*[b" " * 1000] * 3000),
        "in tiny chunks": chunked(*[b" "] * 100_000),
        "in trailers": chunked()[:-2] + b"X-Trailer: 1\r\n" * 100_000,
        "in one chunk that never ends": chunked()[:-5] + b"fffffff\r\n" + content,
        "in one chunk past 63 bits": chunked()[:-5] + b"8000000000000000\r\n" + content,
        "with 100-continue": POST + declared + b"Expect: 100-continue\r\n\r\n",
    }


@pytest.mark.parametrize("how", too_large())
def test_the_application_refuses_a_body_over_the_limit(service: Service, how: str) -> None:
    with service.connect() as client:
        with contextlib.suppress(ConnectionError):
            client.sendall(too_large()[how])
        response = everything(client)
    assert response.startswith(b"HTTP/1.1 413")
    assert b"Connection: close" in response
    assert response.count(b"HTTP/1.1") == 1


def test_a_client_that_expects_100_continue_gets_it_once(service: Service) -> None:
    head = POST + b"Content-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    # Alone, and behind another request.
    for first in (b"", CALL):
        with service.connect(first + head) as client:
            received = b""
            while not received.endswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
                received += client.recv(1000)
            client.sendall(b"{}")
            response = everything(client)
        assert response.startswith(b"HTTP/1.1 200")
        assert ANSWER in response


def test_no_100_continue_is_sent_when_the_body_is_there(service: Service) -> None:
    sent = POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"
    assert service.exchange(sent).startswith(b"HTTP/1.1 200")


# What two servers could understand in two ways

AMBIGUOUS = [
    POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}",
    POST + b"Content-Length: 2, 2\r\n\r\n{}",
    POST + b"Content-Length: +2\r\n\r\n{}",
    POST + b"Content-Length: -2\r\n\r\n{}",
    POST + b"Content-Length: 0x2\r\n\r\n{}",
    POST + b"Content-Length : 2\r\n\r\n{}",
    POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    POST + b"Transfer-Encoding\r\n : chunked\r\n\r\n0\r\n\r\n",
    POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    POST + b"X-Folded: a\r\n b\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"X-Null: \0\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"X-Return: a\rb\r\nContent-Length: 2\r\n\r\n{}",
    POST + b"Host: elsewhere\r\nContent-Length: 2\r\n\r\n{}",
    POST.replace(b"\r\n", b"\n") + b"Content-Length: 2\n\n{}",
    POST + b"Content-Length: 2\n\r\n{}",
    POST + b"X-Long: " + b"x" * 9000 + b"\r\n\r\n",
    POST + b"X-Endless: " + b"x" * 40_000,
    b"POST  / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"POST / HTTP/2.0\r\nHost: localhost\r\n\r\n",
    b"GET /" + b"x" * 40_000,
    b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500 + b"\r\n\r\n",
]


@pytest.mark.parametrize("sent", AMBIGUOUS, ids=range(len(AMBIGUOUS)))
def test_what_is_ambiguous_is_refused(service: Service, sent: bytes) -> None:
    with service.connect(sent + CALL) as client:
        responses = everything(client)
    assert responses.startswith((b"HTTP/1.1 4", b"HTTP/1.1 501 "))
    assert responses.count(b"HTTP/1.1 ") == 1
    assert ANSWER not in responses


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /\r\n", b"400"),
        (b"GET / HTTP/9.9\r\n", b"400"),
        (b"G" * 20_000, b"414"),
        (POST + b"no colon\r\n", b"400"),
        (POST + b"X-Long: " + b"x" * 9000, b"431"),
    ],
)
def test_an_invalid_head_is_refused_before_it_ends(service: Service, sent: bytes, status: bytes) -> None:
    started = time.monotonic()
    with service.connect(sent) as client:
        assert everything(client).startswith(b"HTTP/1.1 " + status)
    assert time.monotonic() - started < 2


# Proxies


def test_no_header_of_a_client_is_taken_for_a_proxy_s_by_default(service: Service) -> None:
    headers = b"SCRIPT_NAME: /x\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
    # gunicorn believes a proxy on the same machine; README.md says how to switch that off.
    with serving("Small", "--forwarded-allow-ips", "") as careful:
        response = careful.exchange(b"GET /script HTTP/1.1\r\nHost: localhost\r\n" + headers)
    assert response.endswith(b"['', 'http']")

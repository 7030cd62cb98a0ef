"""The client for addresses that people give: where it may connect, and what it costs at most."""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from common.http import guarded_client
from common.http.guarded_client import MAX_BYTES, AddressRefused, RequestFailed, send
from testing.receiver import Answer, Receiver, listening

LOOPBACK = [ip_network("127.0.0.0/8")]
FORBIDDEN = [
    "http://127.0.0.1/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:7f00:1::]/",
    "http://[fec0::1]/",
    "http://[::8.8.8.8]/",
    "http://[::ffff:0:10.0.0.1]/",
    "http://168.63.129.16/",
    "http://[ff02::1]/",
    "http://[fe80::1]/",
    "http://[fc00::1]/",
    "http://224.0.0.1/",
    "http://0.0.0.0/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://192.0.0.8/",
    "http://255.255.255.255/",
    "http://2130706433/",
    "http://0177.0.0.1/",
    "http://0x7f.1/",
    "http://127.1/",
]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with listening() as receiver:
        yield receiver


@pytest.fixture
def no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.mark.parametrize("url", FORBIDDEN)
def test_networks_that_are_not_public_are_never_connected_to(url: str, no_connection: None) -> None:
    with pytest.raises(RequestFailed):
        send("POST", url, {}, b"")


def test_a_listed_network_is_reached(receiver: Receiver) -> None:
    receiver.answer = lambda _received: Answer(200, {"X-One": "1"}, b"thanks")
    response = send("POST", f"{receiver.url}/hook?a=1", {"X-Two": "2"}, b"body", allowed=LOOPBACK)
    assert (response.status, response.body, response.headers["x-one"]) == (200, b"thanks", "1")
    [received] = receiver.received
    assert (received.path, received.body, received.headers["x-two"]) == ("/hook?a=1", b"body", "2")
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    "addresses", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "::1"]]
)
def test_a_name_with_a_private_address_among_its_own_is_refused(
    addresses: list[str], monkeypatch: pytest.MonkeyPatch, no_connection: None
) -> None:
    def resolve(_host: str, port: int, **_options: Any) -> list[Any]:
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with pytest.raises(AddressRefused, match="OUTBOUND_ALLOWED_NETWORKS"):
        send("POST", "http://rebinding.example/", {}, b"")


def test_a_name_is_resolved_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    resolve = socket.getaddrinfo

    def count(*arguments: Any, **options: Any) -> Any:
        asked.append(arguments)
        return resolve(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", count)
    send("POST", f"{receiver.url}/", {}, b"", allowed=LOOPBACK)
    assert len(asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "",
        "http://",
        "http://name:secret@example.com/",
        "http://example.com:99999/",
        "http://exa mple.com/",
        "http://example.com/\r\nX: 1",
        "http://пример.рф/",
    ],
)
def test_what_is_no_address_is_refused_before_anything_is_resolved(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", None)
    with pytest.raises(AddressRefused):
        send("POST", url, {}, b"")


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _received: Answer(302, {"Location": f"{receiver.url}/elsewhere"})
    assert send("POST", f"{receiver.url}/", {}, b"", allowed=LOOPBACK).status == 302
    assert [received.path for received in receiver.received] == ["/"]


def test_a_large_response_is_cut(receiver: Receiver) -> None:
    receiver.answer = lambda _received: Answer(200, {}, b"x" * (10 * MAX_BYTES))
    assert len(send("POST", f"{receiver.url}/", {}, b"", allowed=LOOPBACK).body) == MAX_BYTES


@pytest.fixture
def dripping() -> Iterator[int]:
    """A server that sends a byte each 50 ms, for ever, and yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def drip() -> None:
            connection, _address = listener.accept()
            with connection:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        yield listener.getsockname()[1]
        stop.set()
        thread.join()


def test_a_response_that_drips_ends_at_the_deadline(dripping: int) -> None:
    started = time.monotonic()
    with pytest.raises(RequestFailed, match="no response within"):
        send("POST", f"http://127.0.0.1:{dripping}/", {}, b"", allowed=LOOPBACK, deadline=0.3)
    assert 0.3 <= time.monotonic() - started < 5


def test_a_port_without_a_server_is_reported_without_the_path() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RequestFailed) as failed:
        send("POST", f"http://127.0.0.1:{port}/bot123:secret/", {}, b"", allowed=LOOPBACK)
    assert "secret" not in str(failed.value)


def test_no_proxy_of_the_environment_is_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert send("POST", f"{receiver.url}/", {}, b"", allowed=LOOPBACK).status == 204


def test_networks_are_read_and_wrong_ones_refused() -> None:
    assert list(guarded_client.networks(["10.0.0.0/8", "127.0.0.1"])) == [
        ip_network("10.0.0.0/8"),
        ip_network("127.0.0.1/32"),
    ]
    with pytest.raises(ValueError, match=r"10\.0\.0\.1/8"):
        list(guarded_client.networks(["10.0.0.1/8"]))


# ------------------------------------------------------------------ through a proxy


def copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


@contextlib.contextmanager
def proxy_to(port: int, status: int = 200) -> Iterator[tuple[str, list[bytes]]]:
    """Run an HTTP proxy for one request, which connects to the port whatever it is asked for."""
    heads: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            client, _address = server.accept()
            with client:
                heads.append(client.recv(4096))
                client.sendall(f"HTTP/1.1 {status} So\r\nVia: us\r\n\r\n".encode())
                if status == 200:
                    with socket.create_connection(("127.0.0.1", port)) as way:
                        threading.Thread(target=copy, args=(client, way), daemon=True).start()
                        copy(way, client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://olga:s%3Acret@127.0.0.1:{server.getsockname()[1]}", heads
        thread.join()


def test_a_proxy_resolves_the_name_and_gets_its_credentials(receiver: Receiver) -> None:
    receiver.answer = lambda _received: Answer(200, {}, b"thanks")
    with proxy_to(receiver.port) as (proxy, heads):
        response = send("POST", "http://api.nowhere.test/bot", {}, b"body", proxy=proxy)
    assert (response.status, response.body) == (200, b"thanks")
    assert (receiver.received[0].path, receiver.received[0].body) == ("/bot", b"body")
    assert heads[0].startswith(b"CONNECT api.nowhere.test:80 HTTP/1.1\r\nHost: api.nowhere.test:80\r\n")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"olga:s:cret") in heads[0]


def test_a_proxy_that_refuses_is_a_failure_without_its_credentials(receiver: Receiver) -> None:
    with (
        proxy_to(receiver.port, 407) as (proxy, _heads),
        pytest.raises(RequestFailed, match="the proxy responded with 407") as failed,
    ):
        send("POST", "http://api.nowhere.test/bot", {}, b"", proxy=proxy)
    assert "olga" not in str(failed.value)


def test_a_proxy_that_says_nothing_costs_no_more_than_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = f"http://127.0.0.1:{server.getsockname()[1]}"
        with pytest.raises(RequestFailed, match=r"within 0\.3 s"):
            send("POST", "http://api.nowhere.test/", {}, b"", proxy=proxy, deadline=0.3)


@pytest.mark.parametrize("url", ["proxy", "socks5://host:1080", "http://host", "http://:3128", "http://h:x"])
def test_a_wrong_proxy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"http://|Port"):
        guarded_client.proxy_address(url)


@pytest.fixture
def tls_server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[int, list[str | None]]]:
    """A server of hooks.example, trusted by the client; yield its port and the names asked."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "hooks.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("hooks.example")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    context.sni_callback = lambda _socket, server_name, _context: asked.append(server_name)
    client_context = ssl.create_default_context(cafile=str(pem))
    monkeypatch.setattr(guarded_client, "tls", lambda: client_context)
    resolve = socket.getaddrinfo
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda _host, *rest, **more: resolve("127.0.0.1", *rest, **more)
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    plain, _address = listener.accept()
                except OSError:
                    return
                with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(65536)
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], asked
        listener.shutdown(socket.SHUT_RDWR)


def test_the_certificate_is_verified_for_the_name_and_the_server_is_asked_for_it(
    tls_server: tuple[int, list[str | None]],
) -> None:
    port, asked = tls_server
    assert send("POST", f"https://hooks.example:{port}/", {}, b"", allowed=LOOPBACK).status == 204
    with pytest.raises(RequestFailed, match="certificate is not valid"):
        send("POST", f"https://other.example:{port}/", {}, b"", allowed=LOOPBACK)
    assert asked == ["hooks.example", "other.example"]

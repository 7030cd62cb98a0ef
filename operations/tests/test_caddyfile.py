"""The Caddyfile of docker-compose.yml's profile https, in a Caddy of this machine, where one is installed."""

import contextlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

PROJECT = Path(settings.BASE_DIR)
CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed")


class Backend(ThreadingHTTPServer):
    """Stands for the service: notes when a request begins to arrive, and returns what Caddy says of it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.connections = 0

    def handle_error(self, *_args: Any) -> None:
        """Say nothing of a client that has gone."""

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        names = ("X-Forwarded-For", "X-Forwarded-Proto", "Host")
        content = "\n".join([*(self.headers[name] for name in names), str(len(body))]).encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: Any) -> None:
        """Write no log."""


@dataclass(frozen=True)
class Proxy:
    port: int
    root: Path  # the certificate that Caddy signs its own for localhost with

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.root)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def backend() -> Iterator[Backend]:
    with Backend() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(scope="module")
def proxy(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Serve the Caddyfile by Caddy's own certificate for localhost, on ports that need no rights."""
    folder = tmp_path_factory.mktemp("caddy")
    https = free_port()
    ports = f"{{\n admin off\n skip_install_trust\n http_port {free_port()}\n https_port {https}\n"
    text = (PROJECT / "Caddyfile").read_text()
    text = text.replace("\n{\n", f"\n{ports}", 1)
    text = text.replace("incidents:8000", f"127.0.0.1:{backend.server_port}")
    if version() < (2, 6, 3):
        text, replaced = re.subn("request_buffers .*", "buffer_requests", text)
        assert replaced == 1
    (folder / "Caddyfile").write_text(text)
    environment = {name: str(folder) for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [str(CADDY), "run", "--config", "Caddyfile", "--adapter", "caddyfile"],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "DOMAIN": "localhost"} | environment,
            stdout=log,
            stderr=log,
        )
    service = Proxy(https, folder / "caddy/pki/authorities/local/root.crt")
    try:
        wait_until_serving(service, folder / "log")
        yield service
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def version() -> tuple[int, ...]:
    printed = subprocess.run([str(CADDY), "version"], capture_output=True, text=True, check=True).stdout
    return tuple(map(int, printed.split()[0].lstrip("v").split(".")))


def wait_until_serving(proxy: Proxy, log: Path) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), connected(proxy):
            return
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@contextlib.contextmanager
def connected(proxy: Proxy) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("localhost", proxy.port), timeout=20) as plain,
        proxy.context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        yield client


def post(proxy: Proxy, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    connection = HTTPSConnection("localhost", proxy.port, timeout=20, context=proxy.context)
    with contextlib.closing(connection):
        connection.request("POST", "/incidents/create/", body, headers)
        response = connection.getresponse()
        return response.status, response.read().decode()


def test_the_service_is_told_the_clients_address_and_https(proxy: Proxy) -> None:
    status, content = post(proxy, b"12345", {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http"})
    address, scheme, host, length = content.splitlines()
    assert status == HTTPStatus.OK
    # With TRUSTED_PROXIES=1 the last of the addresses counts.
    assert address.rpartition(",")[2].strip() in {"127.0.0.1", "::1"}
    assert (scheme, host.partition(":")[0], length) == ("https", "localhost", "5")


def test_a_request_reaches_the_service_when_the_whole_of_it_is_there(proxy: Proxy, backend: Backend) -> None:
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 10\r\n\r\n"
    post(proxy, b"", {})
    before = backend.connections
    with connected(proxy) as client:
        client.sendall(head + b"12345")
        time.sleep(0.5)
        assert backend.connections == before
        client.sendall(b"67890")
        assert client.recv(10_000).startswith(b"HTTP/1.1 200 OK")
    assert backend.connections == before + 1


def test_a_body_larger_than_any_that_the_service_takes_is_refused(proxy: Proxy) -> None:
    status, _content = post(proxy, b" " * 5_500_000, {})
    # Caddy 2.6 does not find out why the body ended.
    assert status in {HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.BAD_GATEWAY}


def test_the_compose_file_names_its_settings_and_the_readmes_say_them() -> None:
    compose = (PROJECT / "docker-compose.yml").read_text()
    commented = re.findall(r"^  #   ([A-Z_]+=\S+)$", compose, re.MULTILINE)
    lines = "\n".join(commented[: commented.index("TRUSTED_PROXIES=1") + 1])
    for name in ("README.md", "README.ru.md"):
        assert f"```ini\n{lines}\n```" in (PROJECT / name).read_text()

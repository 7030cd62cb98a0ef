"""Caddy, HAProxy and nginx with a generated configuration in a throw-away folder, on loopback."""

import contextlib
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.http_client import HOST
from bench.processes import free_port
from resilience.service import PORTS, scratch

MAX_START_SECONDS = 10

CADDY = """
{{
    admin off
    auto_https off
}}
http://{host}:{port} {{
    bind {host}
    respond /admin* 403
    reverse_proxy {host}:{backend}
}}
"""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    http-reuse always
frontend front
    bind {host}:{port}
    http-request deny if {{ path_beg /admin }}
    default_backend back
backend back
    server one {host}:{backend}
"""
NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    underscores_in_headers on;
    upstream back {{
        server {host}:{backend};
        keepalive 16;
    }}
    server {{
        listen {host}:{port};
        location /admin {{ return 403; }}
        location / {{
            proxy_pass http://back;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Proxy:
    name: str
    configuration: str
    command: tuple[str, ...]


PROXIES = (
    Proxy("caddy", CADDY, ("run", "--adapter", "caddyfile", "--config")),
    Proxy("haproxy", HAPROXY, ("-db", "-f")),
    Proxy("nginx", NGINX, ("-c",)),
)


def installed(proxy: Proxy) -> str | None:
    return shutil.which(proxy.name) or shutil.which(proxy.name, path="/usr/sbin:/sbin")


@contextlib.contextmanager
def in_front_of(backend: int, proxy: Proxy) -> Iterator[int]:
    """Run the proxy, which refuses /admin*, in front of the port `backend`; give its own port."""
    program = installed(proxy)
    assert program, proxy.name
    with scratch() as folder:
        port = free_port(PORTS)
        path = folder / "configuration"
        path.write_text(proxy.configuration.format(host=HOST, port=port, backend=backend, folder=folder))
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *proxy.command, str(path)],
                cwd=folder,
                env={"HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_DATA_HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until_listening(port, process, log)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_until_listening(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + MAX_START_SECONDS
    while True:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the proxy does not start:\n{log.read_text()[-2000:]}") from None
            time.sleep(0.05)
        else:
            return

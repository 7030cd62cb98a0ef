"""The worker process: its options, its end, and signals."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from server.options import UNSUPPORTED
from server.tests.serving import COMMAND, ROOT, Service, everything, get, serving
from server.tests.test_http import ANSWER, CALL


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--certfile", __file__], "certfile"),
        (["--access-logfile", "-"], "accesslog"),
        (["--max-requests", "5"], "max_requests"),
        (["--max-requests-jitter", "5"], "max_requests_jitter"),
        (["--reload"], "reload"),
        (["--proxy-protocol=v1"], "proxy_protocol"),
        (["--statsd-host", "localhost:8125"], "statsd_host"),
        (["--permit-obsolete-folding"], "permit_obsolete_folding"),
        (["--http-parser", "fast"], "http_parser=fast"),
    ],
)
def test_an_option_that_is_not_supported_is_refused_in_one_line(arguments: list[str], name: str) -> None:
    command = [*COMMAND, "-b", "127.0.0.1:0", "-k", "server.tests.application.Small", *arguments]
    ended = subprocess.run(
        [*command, "server.tests.application"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == 1
    [line] = [line for line in ended.stderr.splitlines() if "Error: " in line]
    assert f"does not support gunicorn's option {name}: " in line
    assert "Traceback" not in ended.stderr


def test_every_option_that_is_refused_is_one_of_gunicorn_s() -> None:
    from gunicorn.config import Config

    assert set(UNSUPPORTED) <= set(Config().settings)


def test_a_stop_loses_no_request() -> None:
    with serving(workers=2) as service, contextlib.ExitStack() as held:
        clients = [held.enter_context(service.connect()) for _ in range(50)]
        late = held.enter_context(service.connect(CALL[:-1]))
        idle = held.enter_context(service.connect())
        for client in clients:
            client.sendall(CALL)
        service.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late.sendall(CALL[-1:])
        assert all(ANSWER in everything(client) for client in [*clients, late])
        assert everything(idle) == b""
        service.process.wait(timeout=10)


def test_a_stop_while_clients_come_and_go_is_soon() -> None:
    def come_and_go(service: Service) -> None:
        with contextlib.suppress(OSError):
            while True:
                service.connect().close()

    with serving(workers=2) as service:
        clients = [threading.Thread(target=come_and_go, args=[service]) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=10)
        for client in clients:
            client.join()
        assert "Traceback" not in service.log


def test_clients_that_send_half_requests_byte_by_byte_do_not_delay_a_stop() -> None:
    def drip(service: Service, sent: bytes) -> None:
        with contextlib.suppress(OSError), service.connect(sent) as client:
            while True:
                client.sendall(b"1")
                time.sleep(0.2)

    with serving(workers=2) as service:
        halves = [CALL[:30], CALL[:-2], b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n"]
        clients = [threading.Thread(target=drip, args=[service, sent]) for sent in halves * 3]
        for client in clients:
            client.start()
        time.sleep(0.5)
        service.process.send_signal(signal.SIGTERM)
        service.process.wait(timeout=10)
        for client in clients:
            client.join()


def test_a_worker_without_its_master_stops() -> None:
    with serving() as service:
        [worker] = service.workers
        service.process.kill()
        service.process.wait()
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{worker}"):  # noqa: PTH110
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_worker_whose_threads_have_all_ended_is_replaced_at_once() -> None:
    with serving() as service, contextlib.ExitStack() as held:
        before = service.workers
        for _ in range(4):
            held.enter_context(service.connect(get("/end")))
        held.enter_context(service.connect(CALL[:-1]))
        deadline = time.monotonic() + 30  # Other tests may share the processor.
        while service.workers & before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert service.seconds() < 2
        assert "A thread ended, the worker stops" in service.log


FORK = """
import os, signal, time
from server import signals
handled = []
signal.signal(signal.SIGTERM, lambda *_: handled.append(True))
signals.block_stop_signals()
child = os.fork()
if not child:
    while not signal.sigpending():
        time.sleep(0.001)
    assert not handled
    signals.unblock_stop_signals()
    os._exit(len(handled))
os.kill(child, signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), signal.pthread_sigmask(signal.SIG_BLOCK, []))
"""


def test_a_signal_that_a_child_gets_before_it_runs_is_handled_when_it_unblocks_them() -> None:
    code = [sys.executable, "-c", FORK]
    ended = subprocess.run(code, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.stdout, ended.stderr) == ("1 set()\n", "")

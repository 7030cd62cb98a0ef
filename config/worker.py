"""gunicorn's thread worker, with all waiting for clients left to its poller.

A thread is given a request when the whole of it has arrived, and gives its answer back whenever the
client is slow to take it: idle and slow clients cost a socket and a buffer, never a thread.
Hooks, max_requests, accesslog, TLS and HTTP/2 are not for this worker.
"""

import contextvars
import errno
import socket
import time
import traceback
from collections.abc import Callable, Generator
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from types import SimpleNamespace
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.errors import ParseException
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from config.connection import MOST_READ, Connection

LINGER_SECONDS = 5  # for the client to close after its last answer

Step = Callable[[Connection], None]


class Silence:
    """Stands in for gunicorn's logger where its lines would repeat what a client sent."""

    def say_nothing(self, *_args: Any) -> None:
        pass

    debug = warning = exception = access = say_nothing


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: set[Connection] = set()
        self.next_look = 0.0
        # How long a whole request may take to arrive, and any more of an answer to be taken.
        self.patience = self.cfg.timeout or 30

    # In the poller: requests come in

    def accept(self, listener: socket.socket) -> bool:
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self.make_room()
            return False  # Mostly another worker was faster.
        if self.nr_conns + 1 >= self.worker_connections:
            self.make_room()
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, accepted, client, listener.getsockname()))
        return True

    def enqueue_req(self, conn: Connection) -> None:
        """Have the next request handled as soon as it has arrived."""
        if conn.parser.arrived():
            super().enqueue_req(conn)
        else:
            seconds = (conn.idle and self.cfg.keepalive) or self.patience
            self.wait(conn, EVENT_READ, self.receive, seconds)

    def receive(self, conn: Connection) -> None:
        if conn.idle:
            conn.timeout = time.monotonic() + self.patience
        if conn.receive():
            self.forget(conn)
            super().enqueue_req(conn)

    # In a thread: requests are answered

    def handle(self, conn: Connection) -> bool:
        if conn.answer is None:
            return bool(super().handle(conn))
        try:
            return self.write(conn)
        except (OSError, StopIteration):
            return False

    def handle_request(self, req: Any, conn: Connection) -> bool:
        conn.response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        if not self.alive:
            conn.response.force_close()
        conn.context = contextvars.copy_context()
        conn.answer = self.steps(conn, environ)
        return self.write(conn)

    def write(self, conn: Connection) -> bool:
        """Write the answer until the client has to catch up; tell whether to keep the connection after it."""
        answer, conn.answer = conn.answer, None
        try:
            if answer is not None and conn.context.run(next, answer, False):
                conn.answer = answer
        except OSError:
            raise
        except Exception as error:
            if not conn.response.headers_sent:
                raise
            self.log.exception("Error in the middle of an answer")
            raise StopIteration from error  # This is how gunicorn is told to close.
        return not conn.response.should_close()

    def steps(self, conn: Connection, environ: dict[str, Any]) -> Generator[bool, None, None]:
        """Answer; a streamed answer stops at each piece that the client has not taken yet."""
        pieces = self.wsgi(environ, conn.response.start_response)
        streamed = getattr(pieces, "streaming", True)
        try:
            for piece in pieces:
                conn.response.write(piece)
                if streamed and not conn.sock.flush():
                    yield True
            conn.response.close()
            conn.sock.flush()
        finally:
            # PEP 3333 lets an application answer with a plain list.
            if hasattr(pieces, "close"):
                pieces.close()

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer as gunicorn does; log the kind of fault, but not what was sent, which may be a secret."""
        kind, address = type(exc).__name__, addr[0] if addr else "-"
        if isinstance(exc, ParseException):
            self.log.warning("Invalid request from %s: %s", address, kind)
        else:
            # The exception's own words may repeat what was sent.
            where = "".join(traceback.format_tb(exc.__traceback__))
            self.log.error("Error handling a request from %s: %s\n%s", address, kind, where)
        silent = SimpleNamespace(cfg=self.cfg, log=Silence())
        ThreadWorker.handle_error(silent, req, client, addr, exc)

    # In the poller: answers go out

    def finish_request(self, conn: Connection, future: "Future[bool]") -> None:
        conn.keep = future.result()
        self.wake(conn, self.send)

    def send(self, conn: Connection) -> None:
        """Send what is left, then have more of the answer written, or the next request handled."""
        self.forget(conn)
        if not conn.sock.flush():
            self.wait(conn, EVENT_WRITE, self.send, self.patience)
        elif conn.answer is not None:
            super().enqueue_req(conn)
        elif conn.keep:
            self.enqueue_req(conn)
        else:
            # Closed at once, what the client still sends would destroy the answer (RFC 9112, 9.6).
            conn.sock.shutdown(socket.SHUT_WR)
            self.wait(conn, EVENT_READ, self.discard, LINGER_SECONDS)

    def discard(self, conn: Connection) -> None:
        if not conn.sock.recv(MOST_READ):
            self.drop(conn)

    # In the poller: waiting, and its end

    def wait(self, conn: Connection, event: int, step: Step, seconds: float) -> None:
        if conn.idle and not self.alive:
            seconds = min(seconds, STOP_KEEPALIVE_LINGER)
        conn.timeout = time.monotonic() + seconds
        self.waiting.add(conn)
        self.poller.register(conn.sock, event, partial(self.wake, conn, step))

    def wake(self, conn: Connection, step: Step, _sock: socket.socket | None = None) -> None:
        if conn.sock.fileno() < 0:
            return  # It made room for another, just before its own turn.
        try:
            step(conn)
        except OSError:
            self.drop(conn)

    def forget(self, conn: Connection) -> None:
        if conn in self.waiting:
            self.waiting.remove(conn)
            self.poller.unregister(conn.sock)

    def drop(self, conn: Connection) -> None:
        self.forget(conn)
        if conn.answer is not None:
            self.tpool.submit(conn.context.run, conn.answer.close)
        conn.close()
        self.nr_conns -= 1

    def make_room(self) -> None:
        """Drop the connection that would be the next to be dropped for slowness."""
        if self.waiting:
            self.drop(min(self.waiting, key=lambda conn: conn.timeout))

    def murder_pending(self) -> None:
        """Drop who is too slow. gunicorn calls this at every turn; once a second will do."""
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + 1
            for conn in [conn for conn in self.waiting if conn.timeout <= now]:
                self.drop(conn)

    # At the end

    def is_parent_alive(self) -> bool:
        # Left alone, it stops as if it was told to: a new master needs the port.
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def set_accept_enabled(self, enabled: bool) -> None:
        if self.alive:
            super().set_accept_enabled(enabled)
            return
        # Who has connected by now is answered; who comes later finds the door closed, not a dead end.
        super().set_accept_enabled(False)
        for listener in self.sockets:
            while self.accept(listener):
                pass
            listener.close()
        self.sockets.clear()

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.waiting:
            if conn.idle:
                conn.timeout = min(conn.timeout, deadline)

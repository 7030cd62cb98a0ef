"""gunicorn's thread worker, in which one thread at a time waits for all clients and answers them.

It answers a request when the whole of it has arrived, and goes on with others whenever the client is slow
to take the answer: idle and slow clients cost a socket and a buffer, never a thread. When an answer takes
long to be made, another thread takes over the rest: to hand each request to a thread of its own would cost
more than most answers do.
Hooks, max_requests, accesslog, TLS and HTTP/2 are not for this worker.
"""

import contextlib
import errno
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE
from types import SimpleNamespace
from typing import Any

from django.db import connection
from gunicorn.http import wsgi
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, ThreadWorker

from common.db import group_commit, transactions
from server import log, signals
from server.connection import MOST_READ, Connection
from server.leader_follower import Crew, Task
from server.poll import Waiting

LINGER_SECONDS = 5  # for the client to close after its last answer
LOOK = 0.25  # seconds until it is seen that the master is gone
LONG = 0.01  # seconds for one answer, after which another thread takes over the others
OTHERS_TURN = 0.0001  # seconds after a new connection, so that other workers get their share of many at once
MOST_ACCEPTED = 16  # before requests are answered again

Step = Callable[[Connection], None]


class Worker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stirred = threading.Event()  # The main thread looks up at once.
        # Guards who waits and what follows, and each connection that no thread is answering.
        self.state = threading.RLock()
        self.ready, self.batch = deque[Task](), deque[Task]()
        self.unsynced, self.sync_by = list[Connection](), 0.0  # whose answers wait for the disk, until when
        self.polls: int | None = None  # the thread that does
        self.next_look = 0.0
        # How long a whole request may take to arrive, and any more of an answer to be taken.
        self.patience = self.cfg.timeout or 30

    # In the main thread: the others are watched

    def init_process(self) -> None:
        # A request asks for dozens of settings, each of which gunicorn would look up by a call.
        self.cfg.__dict__.update({name: setting.get() for name, setting in self.cfg.settings.items()})
        # SQLite answers in this process, at once; who rests need not keep its cache. Others are waited for.
        patience, rest = (LONG, transactions.shrink_cache) if connection.vendor == "sqlite" else (0, bool)
        self.crew = Crew(self.next_task, patience, rest)
        self.syncs = group_commit.leave_waiting_to_the_server()
        super().init_process()

    def init_signals(self) -> None:
        super().init_signals()
        signals.heed()

    def run(self) -> None:
        self.waiting = Waiting(self.poller)
        self.poller.register(self.method_queue.fileno(), EVENT_READ, self.method_queue.run_callbacks)
        self.set_accept_enabled(True)
        self.threads = self.cfg.threads
        for _ in range(self.threads):
            self.tpool.submit(self.crew.work).add_done_callback(self.thread_ended)
        while self.alive and self.is_parent_alive():
            self.notify()
            self.stirred.wait(LOOK)
        self.set_accept_enabled(False)
        self._cap_keepalive(time.monotonic() + STOP_KEEPALIVE_LINGER)
        end = time.monotonic() + self.cfg.graceful_timeout
        while self.nr_conns > 0 and self.threads > 0 and time.monotonic() < end:
            self.notify()
            self.stirred.clear()
            self.stirred.wait(LOOK)
        self.dismiss()

    def dismiss(self) -> None:
        self.crew.dismissed = True
        self.method_queue.defer(bool)  # The thread on duty looks up.

    def handle_quit(self, sig: int, frame: Any) -> None:
        self.dismiss()
        super().handle_quit(sig, frame)

    def handle_exit(self, sig: int, frame: Any) -> None:
        super().handle_exit(sig, frame)
        # An event must not be set in a signal's handler: the main thread may be about to wait for it.
        self.method_queue.defer(self.stirred.set)

    def thread_ended(self, future: "Future[None]") -> None:
        self.threads -= 1
        if error := future.exception():
            self.log.error("A thread ended, the worker stops", exc_info=error)
            self.alive = False
            self.stirred.set()

    # In the thread on duty: requests come in

    def next_task(self) -> Task | None:
        """Return what is to be done next, or None when a second has passed with nothing to do."""
        self.polls = threading.get_ident()
        if self.unsynced and (not self.batch or time.monotonic() > self.sync_by):
            return self.acknowledge
        if not self.batch:
            # Between batches, so that who sends one request after another keeps nobody else waiting.
            self.wait_for_and_dispatch_events(timeout=0 if self.ready else 1)
            self.murder_pending()
            self.batch, self.ready = self.ready, deque()
        return self.batch.popleft() if self.batch else None

    def add(self, task: Task) -> None:
        self.ready.append(task)
        if threading.get_ident() != self.polls:
            self.method_queue.defer(bool)  # The thread on duty looks up.

    def accept(self, listener: socket.socket) -> None:
        for _ in range(MOST_ACCEPTED):
            with self.state:
                # The door may have been closed since the poller told of somebody.
                if listener not in self.sockets or not self.accept_one(listener):
                    break
            if not self.ready and self.cfg.workers > 1:
                time.sleep(OTHERS_TURN)

    def accept_one(self, listener: socket.socket) -> bool:
        """Take one connection. `state` is held."""
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
        """Have the next request answered as soon as it has arrived."""
        if conn.parser.arrived():
            self.add(partial(self.answer, conn))
        else:
            seconds = (conn.idle and self.cfg.keepalive) or self.patience
            self.wait(conn, EVENT_READ, self.receive, seconds)

    def receive(self, conn: Connection) -> None:
        if conn.idle:
            conn.timeout = time.monotonic() + self.patience
        if conn.receive():
            self.waiting.end(conn)
            self.add(partial(self.answer, conn))

    def answer(self, conn: Connection) -> None:
        conn.keep = self.handle(conn)
        if not (self.syncs and group_commit.is_to_be_waited_for()):
            return self.wake(conn, self.send)
        with self.state:
            self.sync_by = self.sync_by or time.monotonic() + LONG
            self.unsynced.append(conn)
        return None if self.polls == threading.get_ident() else self.acknowledge()

    def acknowledge(self) -> None:
        """Send what tells of writes. If the disk fails nobody is told anything, and the worker stops."""
        with self.state:
            conns, self.unsynced, self.sync_by = self.unsynced, [], 0.0
        step = self.drop
        try:
            group_commit.sync()
            step = self.send
        finally:
            for conn in conns:
                self.wake(conn, step)

    # In the thread on duty, or relieved of it: requests are answered

    def handle(self, conn: Connection) -> bool:
        if conn.answer is None:
            return bool(super().handle(conn))
        with contextlib.suppress(OSError, StopIteration):
            return conn.write(self.log)
        return False

    def handle_request(self, req: Any, conn: Connection) -> bool:
        conn.response, environ = wsgi.create(req, conn.sock, conn.client, conn.server, self.cfg)
        environ["wsgi.multithread"] = True
        if not self.alive:
            conn.response.force_close()
        conn.begin(self.wsgi, environ)
        return conn.write(self.log)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer as gunicorn does, but log nothing of what was sent, which may be a secret."""
        log.tell_fault(self.log, addr[0] if addr else "-", exc)
        silent = SimpleNamespace(cfg=self.cfg, log=log.Silence())
        ThreadWorker.handle_error(silent, req, client, addr, exc)

    # Answers go out

    def send(self, conn: Connection) -> None:
        """Send what is left, then have more of the answer written, or the next request handled."""
        self.waiting.end(conn)
        if not conn.sock.flush():
            self.wait(conn, EVENT_WRITE, self.send, self.patience)
        elif conn.answer is not None:
            self.add(partial(self.answer, conn))
        elif conn.keep:
            self.enqueue_req(conn)
        else:
            # Closed at once, what the client still sends would destroy the answer (RFC 9112, 9.6).
            conn.sock.shutdown(socket.SHUT_WR)
            self.wait(conn, EVENT_READ, self.discard, LINGER_SECONDS)

    def discard(self, conn: Connection) -> None:
        if not conn.sock.recv(MOST_READ):
            self.drop(conn)

    # Waiting, and its end

    def wait(self, conn: Connection, event: int, step: Step, seconds: float) -> None:
        if conn.idle and not self.alive:
            seconds = min(seconds, STOP_KEEPALIVE_LINGER)
        self.waiting.begin(conn, event, partial(self.wake, conn, step), seconds)

    def wake(self, conn: Connection, step: Step, _sock: socket.socket | None = None) -> None:
        with self.state:
            if conn.sock.fileno() < 0:
                return  # It made room for another, just before its own turn.
            try:
                step(conn)
            except OSError:
                self.drop(conn)
            except Exception:
                self.log.exception("Unexpected error of a connection")
                self.drop(conn)

    def drop(self, conn: Connection) -> None:
        self.waiting.end(conn)
        if conn.answer is not None:
            self.add(partial(conn.abandon, conn.answer, self.log))
        conn.close()
        self.nr_conns -= 1
        if not self.alive:
            self.stirred.set()

    def make_room(self) -> None:
        """Drop the connection that would be the next to be dropped for slowness."""
        with self.state:
            if conn := self.waiting.next_late():
                self.drop(conn)

    def murder_pending(self) -> None:
        """Drop who is too slow. Once a second will do."""
        now = time.monotonic()
        if now >= self.next_look:
            self.next_look = now + 1
            with self.state:
                for conn in self.waiting.late():
                    self.drop(conn)

    # At the end

    def is_parent_alive(self) -> bool:
        # Left alone, it stops as if it was told to: a new master needs the port.
        if not super().is_parent_alive():
            self.alive = False
        return bool(self.alive)

    def set_accept_enabled(self, enabled: bool) -> None:
        with self.state:
            super().set_accept_enabled(enabled)
            if not self.alive:
                # Who has connected by now is answered; who comes later finds the door closed, not a dead end.
                for listener in self.sockets:
                    while self.accept_one(listener):
                        pass
                    listener.close()
                self.sockets.clear()

    def _cap_keepalive(self, deadline: float) -> None:
        with self.state:
            self.waiting.hasten_idle(deadline)

"""What the threads of a worker do: poll the connections, make responses, send them."""

import contextlib
import os
import random
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ, EVENT_WRITE, DefaultSelector
from typing import Any

from server import errors
from server.connection import MAX_READ, BufferedSocket, ClientGone, Connection
from server.connections import Connections
from server.leader_follower import Task
from server.listeners import ACCEPT_BACKOFF, Listeners
from server.request import RequestBuffer
from server.task_queue import SAFE_METHODS, Costs, Duration, TaskQueue

LINGER_SECONDS = 5  # for the client to close after the last response
STOP_KEEPALIVE_SECONDS = 2  # for a request that is on its way while the worker stops
STOP_REQUEST_SECONDS = 5  # for the rest of one that has begun to arrive
POLL_SECONDS = 1
MAX_PARSE_SECONDS = 0.002  # of requests that have begun to arrive, between two polls

Step = Callable[[Connection], None]


class EventLoop:
    """Run by the leader thread, task by task: `next_task` returns what is to be done next."""

    def __init__(self, worker: Any) -> None:
        self.worker = worker
        self.poller = DefaultSelector()
        # gunicorn has the numbers of signals written to this pipe.
        self.poller.register(worker.PIPE[0], EVENT_READ, self.drain_wakeups)
        # Guards what follows, and each connection that no thread is making a response for.
        self.state = threading.RLock()
        self.connections = Connections(self.poller)
        self.listeners = Listeners(worker.sockets, self.poller, self.state, self.admit, self.make_room)
        self.listeners.backoff = ACCEPT_BACKOFF if worker.cfg.workers > 1 else 0.0
        self.unsynced, self.sync_by = list[Connection](), 0.0  # responses that wait for a sync, until when
        self.sync_lock = threading.Lock()
        self.tasks = TaskQueue(worker.cfg.threads, self.tell_leader)
        self.costs = Costs()
        self.parse_until, self.parsed_enough = 0.0, False
        self.next_check = 0.0
        self.leader_thread: int | None = None
        # How long a request may take to arrive, and a client to take any more of its response.
        self.patience = worker.cfg.timeout or 30
        group_commit = worker.group_commit
        self.needs_sync: Callable[[], bool] = group_commit.needs_sync if group_commit else bool

    def next_task(self) -> Task | None:
        """Return what is to be done next, or None when `POLL_SECONDS` have passed with nothing to do."""
        self.leader_thread = threading.get_ident()
        if self.unsynced and (not self.tasks.batch or time.monotonic() > self.sync_by):
            return self.sync
        if not self.tasks.batch:
            # Between rounds, so that a client with many requests keeps no other waiting.
            self.poll(timeout=0 if self.tasks.has_task else POLL_SECONDS)
            self.check_deadlines()
            if task := self.tasks.begin_round():
                return task
        return self.tasks.next()

    def poll(self, timeout: float) -> None:
        ready = self.poller.select(timeout)
        if self.parsed_enough:
            random.shuffle(ready)  # Each of those that waited has its chance.
        self.parsed_enough, self.parse_until = False, time.monotonic() + MAX_PARSE_SECONDS
        for key, _events in ready:
            try:
                key.data(key.fileobj)
            except Exception:
                self.worker.log.exception("Unexpected error while polling")

    def add(self, task: Task) -> None:
        self.tasks.add(task)
        self.tell_leader()

    def add_request(self, conn: Connection) -> None:
        """Have the request responded to that is complete, or the next step of its response made."""
        task, request = partial(self.respond, conn), conn.buffer.request
        if conn.steps is not None:
            self.tasks.add_long(task, conn.caller)
        elif request is None:
            self.tasks.add(task)
        elif (duration := self.costs.duration(request)) is Duration.SHORT:
            self.tasks.add(task, writes=request.method not in SAFE_METHODS)
        else:
            self.tasks.add_long(task, request.caller, slow=duration is Duration.SLOW)
        self.tell_leader()

    def tell_leader(self) -> None:
        if threading.get_ident() != self.leader_thread:
            self.wake_leader()

    def wake_leader(self) -> None:
        with contextlib.suppress(BlockingIOError):  # A full pipe wakes it, too.
            os.write(self.worker.PIPE[1], b"\0")

    def drain_wakeups(self, _pipe: Any) -> None:
        with contextlib.suppress(BlockingIOError):
            if os.read(self.worker.PIPE[0], 4096).strip(b"\0"):
                self.worker.wakeup.set()  # The main thread handles the signal.

    def stop_accepting(self) -> None:
        self.listeners.close()
        with self.state:
            self.connections.cap_waiting(STOP_KEEPALIVE_SECONDS, STOP_REQUEST_SECONDS)

    # Requests arrive

    def admit(self, accepted: socket.socket, client: Any, server: Any) -> None:
        """Take over a new connection. `state` is held."""
        if self.connections.count + 1 >= self.worker.cfg.worker_connections:
            self.make_room()
        worker = self.worker
        buffer = RequestBuffer(
            worker.cfg, client, worker.max_body_bytes, worker.body_too_large, worker.body_limits_below
        )
        conn = Connection(BufferedSocket(accepted), client, server, buffer)
        self.connections.open(conn)
        limit = self.worker.max_connections_per_address
        if limit and self.connections.per_address[conn.address] > limit:
            self.drop(conn)
        else:
            self.guard(conn, self.await_request)

    def make_room(self) -> bool:
        """Drop the connection that is missed least; tell whether there was one. `state` is held."""
        conn = self.connections.most_dispensable()
        if conn:
            self.drop(conn)
        return conn is not None

    def await_request(self, conn: Connection) -> None:
        """Have the next request answered as soon as it is complete."""
        if conn.buffer.complete:
            return self.add_request(conn)
        conn.invite_body()
        idle_seconds = self.worker.cfg.keepalive if self.worker.alive else STOP_KEEPALIVE_SECONDS
        seconds = self.request_seconds if conn.buffer.received else idle_seconds or self.patience
        return self.watch(conn, EVENT_READ, self.receive, seconds)

    @property
    def request_seconds(self) -> float:
        """How long a request may take to arrive."""
        return float(self.patience if self.worker.alive else min(self.patience, STOP_REQUEST_SECONDS))

    def receive(self, conn: Connection) -> None:
        now = time.monotonic()
        if not conn.buffer.received:
            conn.deadline = now + self.request_seconds
        elif now > self.parse_until:
            # Other clients come first; the next poll returns this one again.
            self.parsed_enough = True
            return
        if conn.receive():
            self.connections.unwatch(conn)
            self.add_request(conn)
        else:
            conn.invite_body()

    # Responses are made and leave

    def respond(self, conn: Connection) -> None:
        """Make the next step of the response, and send it unless it has to wait for a sync."""
        self.make_step(conn)
        conn.unsynced = conn.unsynced or self.needs_sync()
        if not conn.unsynced:
            return self.guard(conn, self.send)
        with self.state:
            self.sync_by = self.sync_by or time.monotonic() + self.worker.handoff_after
            self.unsynced.append(conn)
        # The leader does it when it has made the responses of its batch.
        return None if self.leader_thread == threading.get_ident() else self.sync()

    def make_step(self, conn: Connection) -> None:
        if conn.steps is not None:
            return self.proceed(conn)
        try:
            request = conn.buffer.take()
            conn.begin(
                request, self.worker.wsgi, self.worker.cfg, self.needs_sync, close=not self.worker.alive
            )
        except Exception as error:  # noqa: BLE001  # what is wrong with the request
            conn.keep = False
            return errors.refuse_request(self.worker.log, conn, error)
        with self.costs.measured(request):
            return self.proceed(conn)

    def proceed(self, conn: Connection) -> None:
        try:
            return conn.proceed()
        except ClientGone:
            conn.keep = False  # Sending will say so again.
        except (Exception, SystemExit) as error:  # noqa: BLE001  # what went wrong in the application
            conn.keep = False
            errors.report_failure(self.worker.log, conn, error)

    def sync(self) -> None:
        """Send the responses that waited for the disk. If the disk fails, the process ends without them.

        What a failed sync has left on the disk is not known, and the next one may succeed nevertheless.
        """
        with self.state:
            conns, self.unsynced, self.sync_by = self.unsynced, [], 0.0
        with self.sync_lock:  # Thus no other thread of this process succeeds after one has failed.
            try:
                if self.worker.group_commit:
                    self.worker.group_commit.sync()
            except BaseException:
                self.worker.log.exception("The disk failed, the worker ends at once")
                os._exit(1)
        for conn in conns:
            conn.unsynced = False
            self.guard(conn, self.send)

    def send(self, conn: Connection) -> None:
        """Send what is left, then have the next step made, or the next request answered."""
        self.connections.unwatch(conn)
        if not conn.sock.flush():
            self.watch(conn, EVENT_WRITE, self.send, self.patience)
        elif conn.steps is not None:
            self.add_request(conn)
        elif conn.keep:
            self.await_request(conn)
        else:
            # Closed at once, what the client still sends would destroy the response (RFC 9112, 9.6).
            conn.sock.shutdown(socket.SHUT_WR)
            self.watch(conn, EVENT_READ, self.discard, LINGER_SECONDS)

    def discard(self, conn: Connection) -> None:
        with contextlib.suppress(BlockingIOError):
            if not conn.sock.recv(MAX_READ):
                self.drop(conn)

    # Connections wait, and end

    def watch(self, conn: Connection, event: int, step: Step, seconds: float) -> None:
        self.connections.watch(conn, event, partial(self.guard, conn, step), seconds)

    def guard(self, conn: Connection, step: Step, _sock: Any = None) -> None:
        """Take a step of a connection, and whatever it raises, drop that connection only."""
        with self.state:
            if not conn.is_open:
                return  # It was dropped since the poller returned.
            try:
                step(conn)
            except (ClientGone, OSError):
                self.drop(conn)
            except Exception:
                self.worker.log.exception("Unexpected error of a connection")
                self.drop(conn)
            else:
                self.bound_memory(conn)

    def bound_memory(self, conn: Connection) -> None:
        """Keep what is held for slow clients within `max_buffered_bytes`: the largest holder is dropped."""
        self.connections.count_bytes(conn)
        while self.connections.held_bytes > self.worker.max_buffered_bytes:
            largest = self.connections.largest()
            if largest is None:
                break
            self.worker.log.warning(
                "Dropped a connection of %s: too much is held for slow clients", largest.address
            )
            self.drop(largest)

    def drop(self, conn: Connection) -> None:
        self.connections.close(conn)
        if conn.steps is not None:
            self.add(partial(self.abandon, conn))
        if not self.worker.alive:
            self.worker.wakeup.set()

    def abandon(self, conn: Connection) -> None:
        """Let the application clean up after a response whose client has gone."""
        steps, conn.steps = conn.steps, None
        try:
            conn.context.run(steps.close) if steps else None
        except Exception:
            self.worker.log.exception("Error after the client of a response had gone")

    def check_deadlines(self) -> None:
        """Once a second, drop the connections whose deadline has passed."""
        now = time.monotonic()
        if now < self.next_check:
            return
        self.next_check = now + 1
        with self.state:
            for conn in self.connections.overdue():
                self.drop(conn)
            self.listeners.listen()

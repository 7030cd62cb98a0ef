"""One client's connection: what has arrived, the response in progress, and what was not taken yet."""

import contextvars
import socket
import time
from collections.abc import Callable, Generator, Iterable
from typing import Any, cast

from gunicorn.http import wsgi

from server.request import Request, RequestBuffer

MAX_READ = 16 * 1024
MAX_COSTLY_READ = 1024
MAX_STEP_SECONDS = 0.01  # of a streamed response, until other clients come first

Application = Callable[..., Iterable[bytes]]


class ClientGone(Exception):
    """The client has closed the connection."""


class BufferedSocket(socket.socket):
    """A socket that keeps what the client does not take yet instead of waiting for the client."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        self.setblocking(False)
        self.unsent = bytearray()

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.unsent += data

    def flush(self) -> bool:
        """Send what the client takes; tell whether that was everything."""
        try:
            while self.unsent:
                del self.unsent[: self.send(self.unsent)]
        except BlockingIOError:
            pass
        except OSError as error:
            raise ClientGone from error
        return not self.unsent


class Connection:
    """Used by one thread at a time: the leader, or the one that makes its response."""

    def __init__(self, sock: BufferedSocket, client: Any, server: Any, buffer: RequestBuffer) -> None:
        self.sock = sock
        self.client = client
        self.server = server
        self.buffer = buffer
        self.address = client[0] if client else ""
        self.caller: tuple[str, ...] = ()  # whose request the response is to
        self.deadline = 0.0
        self.context = contextvars.copy_context()
        self.response: Any = None
        self.steps: Generator[None, None, None] | None = None  # the rest of a response
        self.keep = True  # open after the response
        self.unsynced = False  # whether the response tells of what may not be on the disk yet
        self.counted_bytes = 0  # what `held_bytes` was when the worker counted it last

    @property
    def is_open(self) -> bool:
        return self.sock.fileno() >= 0

    @property
    def awaits_request(self) -> bool:
        return not (self.steps or self.sock.unsent)

    @property
    def idle(self) -> bool:
        return self.awaits_request and not self.buffer.received

    @property
    def held_bytes(self) -> int:
        return self.buffer.received + len(self.sock.unsent)

    def receive(self) -> bool:
        """Take in what has arrived; tell whether a request is complete. Raises `ClientGone`."""
        try:
            data = self.sock.recv(MAX_COSTLY_READ if self.buffer.is_costly else MAX_READ)
        except BlockingIOError:
            return False
        except OSError as error:
            raise ClientGone from error
        if not data:
            raise ClientGone
        return self.buffer.feed(data)

    def invite_body(self) -> None:
        """Send the interim response that a client waits for before it sends a body, once."""
        if self.buffer.expects_continue:
            self.buffer.expects_continue = False
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.sock.flush()

    def begin(
        self,
        request: Request,
        application: Application,
        cfg: Any,
        needs_sync: Callable[[], bool],
        *,
        close: bool,
    ) -> None:
        """Prepare the response to `request`, after which the connection is closed if `close` says so."""
        if close:
            request.must_close = True
        self.response, self.caller = None, request.caller
        self.context = contextvars.copy_context()
        self.steps = self.respond(request, application, cfg, needs_sync)

    def proceed(self) -> None:
        """Make the next step of the response."""
        steps, self.steps = cast("Generator[None, None, None]", self.steps), None
        try:
            self.context.run(next, steps)
        except StopIteration:
            self.keep = not self.response.should_close()
        else:
            self.steps = steps

    def respond(
        self, request: Request, application: Application, cfg: Any, needs_sync: Callable[[], bool]
    ) -> Generator[None, None, None]:
        """Make the response; send one that is streamed as it is made.

        It pauses before it sends what depends on a sync, while the client is slow, and for other clients.
        """
        began = time.monotonic()
        self.response, environ = wsgi.create(request, self.sock, self.client, self.server, cfg)
        environ["wsgi.multithread"] = True
        pieces = application(environ, self.response.start_response)
        streamed = getattr(pieces, "streaming", True)
        try:
            # Whether there is a body is known by now, unless the application is a generator.
            for piece in () if self.response._omits_body else pieces:
                self.response.write(piece)
                del piece  # Only the socket keeps it until the client takes it.
                if self.response._omits_body:
                    break
                if not streamed:
                    continue
                self.unsynced = self.unsynced or needs_sync()
                if self.unsynced or not self.sock.flush() or time.monotonic() - began > MAX_STEP_SECONDS:
                    yield
                    began = time.monotonic()
            self.response.close()
        finally:
            # PEP 3333 lets an application return a plain list.
            if hasattr(pieces, "close"):
                pieces.close()

    @property
    def response_begun(self) -> bool:
        return self.response is not None and bool(self.response.headers_sent)

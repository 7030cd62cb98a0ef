"""One client's connection, which nobody ever waits for: what arrives is collected, what is not taken is kept.

Connection
├── parser: Inbox    gunicorn's parser over what has arrived
└── sock: Outbox     the client's socket and what it has not taken yet
"""

import contextlib
import contextvars
import io
import re
import socket
from collections.abc import Callable, Generator, Iterable
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from gunicorn.http.body import ChunkedReader
from gunicorn.http.errors import LimitRequestHeaders, NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import TConn

MOST_READ = 64 * 1024
MOST_HEAD = 32 * 1024
# A bare LF ends a head too: the parser will refuse it.
HEAD_END = re.compile(rb"\r\n\r\n|(?<!\r)\n")
CHUNK_HEAD = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n]*)?\r\n")


class Inbox(RequestParser):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's parser over what has arrived, instead of over a socket that it would wait for.

    What a request means is the parser's to say. This class sees where it ends, puts chunks together, and
    holds no more than MAX_BODY_BYTES of a body: past that the application is asked to refuse it.
    """

    def __init__(self, cfg: Any, client: Any) -> None:
        super().__init__(cfg, iter(self.no_more, b""), client)
        self.request: Any = None  # parsed ahead of its body; an error if it cannot be parsed
        self.refusal: Exception | None = None
        self.length = self.chunk_at = 0

    def no_more(self) -> bytes:
        """Answer the parser, or the application, that asks for more than what was let in."""
        raise self.refusal or NoMoreData

    @property
    def held(self) -> bytes:
        held: bytes = self.unreader.buf.getvalue()
        return held

    def arrived(self, data: bytes = b"") -> bool:
        """Add `data`; tell whether a whole request is here, or one that is refused as it stands."""
        self.unreader.buf.write(data)
        try:
            return self.is_whole()
        except Exception as error:  # noqa: BLE001  # Whatever a client sends must not end the thread that polls.
            self.request = error
            return True

    def is_whole(self) -> bool:
        if self.request is None and not self.head_arrived():
            return False
        if isinstance(self.request, Exception):
            return True
        whole = self.chunks_arrived(self.held) if self.chunked else len(self.held) >= self.length
        if not whole and len(self.held) > 2 * settings.MAX_BODY_BYTES + MOST_READ:
            self.length = len(self.held)  # What holds chunks together must not outgrow them.
        if self.length > settings.MAX_BODY_BYTES:
            self.refusal = RequestDataTooBig()
        return whole or self.refusal is not None

    def head_arrived(self) -> bool:
        if not HEAD_END.search(self.held):
            if len(self.held) <= MOST_HEAD:
                return False
            self.refusal = LimitRequestHeaders("the head is too long")
        try:
            self.request = super().__next__()
        except Exception as error:  # noqa: BLE001  # A thread will raise it, and answer.
            self.request = error
            return True
        reader = self.request.body.reader
        self.chunked = isinstance(reader, ChunkedReader)
        self.chunk_at = 0
        self.length = 0 if self.chunked else reader.length
        return True

    def chunks_arrived(self, held: bytes) -> bool:
        """Walk on from chunk to chunk. A malformed one ends the walk: the parser will refuse it."""
        while b"\r\n".startswith(held[max(self.chunk_at - 2, 0) : self.chunk_at]):
            head = CHUNK_HEAD.match(held, self.chunk_at)
            if head is None:
                return held.find(b"\n", self.chunk_at) >= 0
            size = int(head[1], 16)
            if size == 0:
                return held.find(b"\r\n\r\n", head.end() - 2) >= 0
            self.length += size
            if self.length > settings.MAX_BODY_BYTES:
                return True  # A position past 63 bits is none to go on from.
            self.chunk_at = head.end() + size + 2
        return True

    def __next__(self) -> Any:
        """Return the request that has arrived, or raise what is wrong with it."""
        request, self.request = self.request, None
        if isinstance(request, Exception):
            raise request
        request._expected_100_continue = False  # It was invited already, or needs no invitation.
        if self.refusal is not None:
            request.force_close()  # Where the next request begins is unknown.
        elif self.chunked:
            body = request.body.read()
            request.body = io.BytesIO(body)
            self.length = len(body)
        if self.chunked:
            # Django reads no body whose length it is not told.
            request.headers = [field for field in request.headers if field[0] != "TRANSFER-ENCODING"]
            request.headers.append(("CONTENT-LENGTH", str(self.length)))
        return request


class Outbox(socket.socket):
    """A socket that keeps what the client does not take yet, instead of waiting for it."""

    def __init__(self, accepted: socket.socket) -> None:
        super().__init__(fileno=accepted.detach())
        super().setblocking(False)
        self.unsent = bytearray()

    def setblocking(self, flag: bool) -> None:
        """Stay as it is: gunicorn would have its threads wait."""

    def sendall(self, data: Any, flags: int = 0) -> None:
        self.unsent += data

    def flush(self) -> bool:
        """Send what the client takes; tell whether that was all."""
        with contextlib.suppress(BlockingIOError):
            while self.unsent:
                del self.unsent[: self.send(self.unsent)]
        return not self.unsent


class Connection(TConn):  # type: ignore[misc]
    def __init__(self, cfg: Any, accepted: socket.socket, client: Any, server: Any) -> None:
        super().__init__(cfg, Outbox(accepted), client, server)
        self.parser = Inbox(cfg, client)
        self.initialized = True  # TLS and HTTP/2 are a proxy's work.
        self.context = contextvars.copy_context()
        self.answer: Generator[bool, None, None] | None = None
        self.response: Any = None
        self.keep = True

    def begin(self, application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
        self.context = contextvars.copy_context()
        self.answer = self.steps(application, environ)

    def write(self, log: Any) -> bool:
        """Write the answer until the client has to catch up; tell whether to keep the connection after it."""
        answer, self.answer = self.answer, None
        try:
            if answer is not None and self.context.run(next, answer, False):
                self.answer = answer
        except Exception as error:
            if isinstance(error, OSError) or not self.response.headers_sent:
                raise
            log.exception("Error in the middle of an answer")
            raise StopIteration from error  # This is how gunicorn is told to close.
        return not self.response.should_close()

    def steps(
        self, application: Callable[..., Iterable[bytes]], environ: dict[str, Any]
    ) -> Generator[bool, None, None]:
        """Answer; a streamed answer is sent as it is made, and stops at each piece not taken yet."""
        pieces = application(environ, self.response.start_response)
        streamed = getattr(pieces, "streaming", True)
        try:
            for piece in pieces:
                self.response.write(piece)
                if streamed and not self.sock.flush():
                    yield True
            self.response.close()
        finally:
            # PEP 3333 lets an application answer with a plain list.
            if hasattr(pieces, "close"):
                pieces.close()

    def abandon(self, answer: Generator[bool, None, None], log: Any) -> None:
        """Let the application clear up after an answer that nobody takes any more."""
        try:
            self.context.run(answer.close)
        except Exception:
            log.exception("Error after the client of an answer had left")

    @property
    def idle(self) -> bool:
        return not (self.parser.held or self.parser.request or self.answer or self.sock.unsent)

    def receive(self) -> bool:
        """Take in what has arrived; tell whether a request is here. Raises `OSError` if nobody is."""
        data = self.sock.recv(MOST_READ)
        if not data:
            raise ConnectionAbortedError
        if self.parser.arrived(data):
            return True
        request = self.parser.request
        if request is not None and request._expected_100_continue:
            request._expected_100_continue = False
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.sock.flush()
        return False

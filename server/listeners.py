"""The sockets on which clients connect, shared with the other workers."""

import errno
import socket
import threading
import time
from collections.abc import Callable
from selectors import EVENT_READ, BaseSelector
from typing import Any

ACCEPT_BACKOFF = 0.0001  # seconds after a new connection, so that other workers get their share of many
MAX_ACCEPTS_PER_WAKEUP = 16
# Clients that connect without end must not keep a worker from stopping; a backlog is accepted much sooner.
MAX_CLOSE_SECONDS = 1.0


class Listeners:
    """Accepts connections and passes each to `admit` as socket, client's address and own address.

    `state` guards the sockets; it is held when `admit` and `make_room` are called.
    """

    def __init__(
        self,
        sockets: list[Any],
        poller: BaseSelector,
        state: "threading.RLock",
        admit: Callable[[socket.socket, Any, Any], None],
        make_room: Callable[[], bool],
    ) -> None:
        self.sockets = sockets
        self.poller = poller
        self.state = state
        self.admit = admit
        self.make_room = make_room
        self.backoff = 0.0
        self.listening = False

    def listen(self) -> None:
        with self.state:
            if self.listening:
                return
            for listener in self.sockets:
                listener.setblocking(False)
                self.poller.register(listener, EVENT_READ, self.accept)
                self.listening = True

    def pause(self) -> None:
        with self.state:
            if self.listening:
                for listener in self.sockets:
                    self.poller.unregister(listener)
            self.listening = False

    def close(self) -> None:
        """Accept the clients that have connected by now, for a second at most; later ones are refused."""
        with self.state:
            self.pause()
            deadline = time.monotonic() + MAX_CLOSE_SECONDS
            for listener in self.sockets:
                while time.monotonic() < deadline and self.accept_one(listener):
                    pass
                listener.close()
            self.sockets.clear()

    def accept(self, listener: Any) -> None:
        for _ in range(MAX_ACCEPTS_PER_WAKEUP):
            with self.state:
                # The main thread may have closed it since the poller returned.
                if listener not in self.sockets or not self.accept_one(listener):
                    break
            if self.backoff:
                time.sleep(self.backoff)

    def accept_one(self, listener: Any) -> bool:
        """Take one connection; tell whether there may be more."""
        try:
            accepted, client = listener.accept()
        except OSError as error:
            # Without a file descriptor to accept by, the poller would return at once, again and again.
            if error.errno in (errno.EMFILE, errno.ENFILE) and not self.make_room():
                self.pause()
            return False  # Mostly another worker was faster.
        self.admit(accepted, client, listener.getsockname())
        return True

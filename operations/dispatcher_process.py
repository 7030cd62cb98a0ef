"""The dispatcher as a process of `manage.py serve`: a fork of the master, started anew when it ends.

It has its own signal handlers and no listener, and it ends within a second when the master is gone.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from typing import Any

from gunicorn.arbiter import Arbiter

from common.db import group_commit
from server import signals

log = logging.getLogger(__name__)

MIN_PAUSE, MAX_PAUSE = 1.0, 60.0  # seconds
STABLE_AFTER = 60.0  # seconds
STOP_SECONDS = 9.0


class DispatcherProcess:
    def __init__(self, run: Callable[[Callable[[], bool]], None]) -> None:
        self.run = run
        self.pid = 0
        self.started = 0.0
        self.pause = MIN_PAUSE
        self.start_at = 0.0

    def supervise(self, listeners: Sequence[Any]) -> None:
        """Start the process, or anew if it has ended; called about once a second."""
        now = time.monotonic()
        if self.pid and not self.is_running():
            self.pid = 0
            self.pause = MIN_PAUSE if now - self.started > STABLE_AFTER else min(2 * self.pause, MAX_PAUSE)
            self.start_at = now + self.pause
        if not self.pid and now >= self.start_at:
            self.start(listeners)

    def is_running(self) -> bool:
        try:
            return os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False  # gunicorn reaps every child of the master.

    def start(self, listeners: Sequence[Any]) -> None:
        master = os.getpid()
        self.started = time.monotonic()
        signals.block_stop_signals(None, None)
        self.pid = os.fork()
        if self.pid:
            signals.unblock_stop_signals(None)
            return
        # Nothing of the master may go on in the fork: neither its loop nor its exit handlers.
        try:
            for number in (signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGUSR1, signal.SIGUSR2):
                signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGWINCH, signal.SIGCHLD):
                signal.signal(number, signal.SIG_DFL)
            for listener in listeners:
                listener.close()
            self.run(lambda: os.getppid() != master)
        except BaseException:
            log.exception("The dispatcher ends, and is started anew")
        finally:
            os._exit(1)

    def stop(self) -> None:
        if self.pid:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self) -> None:
        """Wait for it for some seconds; what it is sending then is sent again by the next one."""
        deadline = time.monotonic() + STOP_SECONDS
        while self.pid and self.is_running():
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                break
            time.sleep(0.05)


class DispatchingArbiter(Arbiter):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's master, which also looks after the dispatcher."""

    def __init__(self, app: Any, dispatcher: DispatcherProcess) -> None:
        super().__init__(app)
        self.dispatcher = dispatcher

    def manage_workers(self) -> None:
        super().manage_workers()
        if not group_commit.sync_failed():
            self.dispatcher.supervise(self.LISTENERS)

    def stop(self, graceful: bool = True) -> None:  # gunicorn's own signature
        self.dispatcher.stop()
        super().stop(graceful)
        self.dispatcher.wait()

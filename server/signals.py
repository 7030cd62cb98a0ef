"""Signals to stop, over a fork.

Python forgets a signal that a fork gets before it runs, and the master tells its forks to stop only once.
So the master holds such signals before it makes a fork, and the fork heeds them when it has its own handlers.
"""

import os
import signal
from typing import Any

STOPS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def hold(_arbiter: Any, _worker: Any) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def heed() -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)


os.register_at_fork(after_in_parent=heed)

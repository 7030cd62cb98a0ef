"""Whether the machine has a processor to spare for deliveries: requests come first."""

import time
from pathlib import Path

# Nanoseconds on a processor and in wait for one, of this thread (docs.kernel.org/scheduler/sched-stats.html).
SCHEDSTAT = Path("/proc/thread-self/schedstat")
# A lower priority (nice) would not do: the process would be suspended while it holds the database's lock.
CROWDED = 0.25
REST = 8.0


class Load:
    """Measures the time since it was made."""

    def __init__(self) -> None:
        self.used = time.process_time()
        self.ran, self.waited = schedstat()

    def rest(self) -> float:
        """Return how many seconds to rest: none unless the thread had to wait for a processor as well."""
        ran, waited = schedstat()
        if waited - self.waited <= CROWDED * (ran - self.ran):
            return 0.0
        return REST * (time.process_time() - self.used)


def schedstat() -> tuple[int, int]:
    """Return zeros where the system does not tell."""
    try:
        ran, waited, _slices = map(int, SCHEDSTAT.read_text().split())
    except (OSError, ValueError):
        return 0, 0
    return ran, waited

"""Memory that is free goes back to the system, where the C library is glibc.

It would keep up to 16 MB for each thread: with each large block that is freed it raises the size from which
on others are returned at once.
"""

import ctypes

C_LIBRARY = ctypes.CDLL(None)
# From malloc.h. Set at all, they no longer grow.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
MAX_KEPT_BYTES = 1024 * 1024


def keep_little() -> None:
    if hasattr(C_LIBRARY, "mallopt"):
        C_LIBRARY.mallopt(M_TRIM_THRESHOLD, MAX_KEPT_BYTES)
        C_LIBRARY.mallopt(M_MMAP_THRESHOLD, MAX_KEPT_BYTES)


def give_back() -> None:
    """Return the free pages between those that are in use."""
    if hasattr(C_LIBRARY, "malloc_trim"):
        C_LIBRARY.malloc_trim(0)

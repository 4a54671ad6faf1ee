"""Two ways to allocate, so that each competitor is timed as its users run it.

`train.py` keeps freed memory in the process (`siren_pl.allocator`); code that does not ask for that gets glibc's
defaults. glibc learns its thresholds as large blocks are freed and forgets how to once they are set, so the defaults
are restored to the most generous state that they can learn: 32 MB and twice that.
"""

from __future__ import annotations

import ctypes
import sys

# Parameters of mallopt(3), glibc's default for the first, and the most that the others grow to (malloc.c).
_M_MMAP_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -4, -3, -1
_DEFAULT_MMAP_MAX, _LARGEST_THRESHOLD = 65_536, 32 << 20


def default_pages() -> None:
    """Allocate as a process does that asked for nothing."""
    if not sys.platform.startswith("linux"):
        return
    try:
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_M_MMAP_MAX, _DEFAULT_MMAP_MAX)
        library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_THRESHOLD)
        library.mallopt(_M_TRIM_THRESHOLD, 2 * _LARGEST_THRESHOLD)
    except (OSError, AttributeError):  # musl
        return

"""Settings of the memory allocator, so that large tensors that come and go at every step reuse their pages.

By default glibc returns blocks above 32 MB to the kernel at once and gets them back at the next step, zeroed page by
page. A third of a derivative step on a CPU was spent on that (2 cores, 65,536 points: a Laplacian step took 3.9 s, and
takes 2.4 s with this).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

# Parameters of mallopt(3) that keep blocks from being mapped by mmap, and the end of the heap from being returned.
_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1
_NEVER = -1


def reuse_pages() -> None:
    """Keep freed memory in the process and ask for huge pages; do nothing if the C library is not glibc.

    Asking for huge pages has an effect only before torch allocates its first tensor.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    set_malloc({_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER})


def set_malloc(parameters: Mapping[int, int]) -> None:
    """Set parameters of mallopt(3) by number; do nothing if the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    try:
        library = ctypes.CDLL("libc.so.6")
        for parameter, value in parameters.items():
            library.mallopt(parameter, value)
    except (OSError, AttributeError):  # musl
        return

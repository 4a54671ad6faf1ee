"""Large tensors that come and go at every step should reuse their pages.

glibc returns blocks above 32 MB to the kernel at once and fetches them again, zeroed page by page, at the next step: a
third of a derivative step on a CPU went there (2 cores, 65,536 points: Laplacian step 3.9 s, 2.4 s with this).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

# Parameters of mallopt(3): never use mmap for a block, never give the heap's end back.
_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1
_NEVER = -1


def reuse_pages() -> None:
    """Keep freed memory in the process and ask for huge pages; does nothing where the C library is not glibc.

    The second takes effect only before torch allocates its first tensor.
    """
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
    set_malloc({_M_MMAP_MAX: 0, _M_TRIM_THRESHOLD: _NEVER})


def set_malloc(parameters: Mapping[int, int]) -> None:
    """Set parameters of mallopt(3) by their numbers; does nothing where the C library is not glibc."""
    if not sys.platform.startswith("linux"):
        return
    try:
        library = ctypes.CDLL("libc.so.6")
        for parameter, value in parameters.items():
            library.mallopt(parameter, value)
    except (OSError, AttributeError):  # musl
        return

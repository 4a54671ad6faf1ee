"""Two settings of the allocator, so that each competitor is timed as its users run it.

`train.py` keeps freed memory in the process (`siren_pl.training.allocator`); other code gets glibc's defaults. glibc
adapts its thresholds to the blocks that are freed, and stops doing so once they are set. So they are set here to the
values that the timed steps would lead to: the size of a layer's activations, and twice that for trimming (malloc.c).
"""

from __future__ import annotations

from siren_pl.training.allocator import set_malloc

# Parameters of mallopt(3); glibc's default for the first.
_M_MMAP_MAX, _M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -4, -3, -1
_DEFAULT_MMAP_MAX = 65_536
# 16,384 points of 256 floats, and the page by which a mapping is rounded up.
_LEARNED = 16_384 * 256 * 4 + 4096


def default_pages() -> None:
    """Allocate as a process with glibc's defaults does."""
    set_malloc({_M_MMAP_MAX: _DEFAULT_MMAP_MAX, _M_MMAP_THRESHOLD: _LEARNED, _M_TRIM_THRESHOLD: 2 * _LEARNED})

"""The loader that Lightning requires; it only counts, since batches are drawn on the device from (seed, step)."""

from __future__ import annotations

from collections.abc import Iterator


class Slices:
    """An endless iterable, each item of which stands for one slice of optimiser steps."""

    def __iter__(self) -> Iterator[int]:
        """Count forever."""
        index = 0
        while True:
            yield index
            index += 1

"""Fair timing of competitors: medians of warm, interleaved calls, so that other load affects all of them equally."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch

from siren_pl.training.allocator import reuse_pages

Step = Callable[[], object]


def synchronise() -> None:
    """Wait for the accelerator, if there is one."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def seconds(step: Step) -> float:
    """The duration of one call."""
    synchronise()
    start = time.perf_counter()
    step()
    synchronise()
    return time.perf_counter() - start


class Competitor(NamedTuple):
    """A step, and the setting of the allocator while it runs."""

    step: Step
    allocator: Callable[[], None] = reuse_pages


def medians(competitors: Mapping[str, Competitor], repeats: int, warm: int = 2) -> dict[str, float]:
    """Measure the median seconds of each step over `repeats` rounds, in each of which every competitor has a turn.

    A turn is one call that brings the heap and the caches into that competitor's state, and one that is timed.

    Args:
        competitors: Competitors by name.
        repeats: Number of rounds that count.
        warm: Number of calls of each beforehand, for compilation.
    """
    for competitor in competitors.values():
        for _ in range(warm):
            competitor.step()
    durations: dict[str, list[float]] = {name: [] for name in competitors}
    for _ in range(repeats):
        for name, competitor in competitors.items():
            competitor.allocator()
            competitor.step()
            durations[name].append(seconds(competitor.step))
    reuse_pages()
    return {name: statistics.median(values) for name, values in durations.items()}


class PeakTensorBytes(torch.utils._python_dispatch.TorchDispatchMode):
    """The peak number of bytes of live tensors that are created inside the context, whatever the allocator does.

    Storages are counted when an operation creates them, until they are freed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._live = 0
        self._seen: set[int] = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        import weakref

        result = func(*args, **(kwargs or {}))
        for tensor in torch.utils._pytree.tree_leaves(result):
            if not isinstance(tensor, torch.Tensor):
                continue
            storage = tensor.untyped_storage()
            key = storage._cdata
            if key not in self._seen:
                self._seen.add(key)
                self._live += storage.nbytes()
                self.peak = max(self.peak, self._live)
                weakref.finalize(storage, self._forget, key, storage.nbytes())
        return result

    def _forget(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self._live -= size

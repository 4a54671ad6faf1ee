"""A kind of sampled signal (pictures, sounds) says how its results are written, shown and asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from siren_pl.training.judge import Draw, Result, Write
from siren_pl.training.problem import NOWHERE, Origin

if TYPE_CHECKING:
    from siren_pl.problems.sampled.evaluation import Evaluation
    from siren_pl.problems.sampled.signal import SampledSignal


class View(ABC):
    """What is written and drawn of a field."""

    @abstractmethod
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        """What is written beneath `predictions/`, by file name."""

    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        """What is drawn beneath `figures/`, by file name."""
        return {}


class Kind(View):
    """A kind of signal. As a view it shows a field on the signal's own samples.

    Attributes:
        options: What `evaluate.py` takes for it, each with a line of help.
    """

    options: Mapping[str, str] = {}

    @property
    def levels(self) -> type[np.unsignedinteger]:
        """The integers that a result is rendered in."""
        return np.uint8

    @property
    def origin(self) -> Origin:
        """Where the samples were read."""
        return NOWHERE

    def asked(self, signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
        """What `evaluate.py` is asked for by these options: a name for it, and the view."""
        return "x".join(map(str, signal.shape)), self

    def sheet(self, results: Sequence[Result], path: Path) -> Any:
        """Draw the results of a set on one sheet; nothing by default."""


class Samples(Kind):
    """Samples of which nothing else is known; their results are arrays, pixels in [0, 1] or unsigned integers."""

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        return {f"{found.signal.name}.npy": lambda path: np.save(path, found.pixels)}

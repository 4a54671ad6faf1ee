"""A kind of sampled signal (pictures, sounds) defines how its results are written, shown and asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from siren_pl.problems.sampled.levels import Pixels
from siren_pl.training.judge import Draw, Metrics, Result, Write
from siren_pl.training.problem import NOWHERE, Origin

if TYPE_CHECKING:
    from siren_pl.problems.sampled.evaluation import Evaluation
    from siren_pl.problems.sampled.signal import SampledSignal

# Arrays to compare by PSNR, by the name of the score.
Pairs = Iterator[tuple[str, tuple[Pixels, Pixels]]]


class View(ABC):
    """Decides what is written and drawn for a field."""

    @abstractmethod
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        """Functions that write the files beneath `predictions/`, by file name."""

    def figures(self, found: Evaluation) -> Mapping[str, Draw]:
        """Functions that draw the figures beneath `figures/`, by file name."""
        return {}


class Kind(View):
    """A kind of signal. As a view, it shows a field on the signal's own samples.

    Attributes:
        options: The options of `evaluate.py` for this kind, each with a line of help.
    """

    options: Mapping[str, str] = {}

    @property
    def levels(self) -> type[np.unsignedinteger]:
        """The integer type that results are rendered in."""
        return np.uint8

    @property
    def origin(self) -> Origin:
        """Where the samples were read from."""
        return NOWHERE

    def compared(self, signal: SampledSignal, result: Pixels, target: Pixels, first: int) -> Pairs:
        """Further scores of a result against the truth, each as a name and the two arrays whose PSNR it is.

        Args:
            signal: The signal.
            result: Samples in [0, 1]: all of them, or some rows of a large signal.
            target: The same samples of the truth.
            first: Index of the first of these rows.
        """
        return iter(())

    def similarities(self, result: Pixels, target: Pixels) -> Metrics:
        """Scores that need a whole result and the truth at once, both in [0, 1]."""
        return {}

    def asked(self, signal: SampledSignal, options: Mapping[str, str]) -> tuple[str, View]:
        """Interpret the options given to `evaluate.py`: return a name for what they ask for and a view of it."""
        return "x".join(map(str, signal.shape)), self

    def sheet(self, results: Sequence[Result], path: Path) -> Any:
        """Draw the results of a set on one sheet; by default draw nothing."""


class Samples(Kind):
    """Samples about which nothing else is known; their results are arrays, pixels in [0, 1] or unsigned integers."""

    @override
    def files(self, found: Evaluation) -> Mapping[str, Write]:
        return {f"{found.signal.name}.npy": lambda path: np.save(path, found.pixels)}

"""How a result is judged: quickly while it is fitted, thoroughly when it is done, by one object for both.

What is judged is an *answer*: what the fields say of the thing that a user asked for (aligned values, warped frames, a
mesh). A classical method's answer is of the same kind, so that it is judged by the same rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

Metrics = dict[str, float]


class Measure(NamedTuple):
    """What a metric is called, and how it is read.

    Attributes:
        name: What a table calls it.
        unit: Its unit; empty where it has none.
        says: What it tells, in a few words.
        better: +1 where more is better, -1 where less is, 0 where it says nothing of quality.
    """

    name: str
    unit: str = ""
    says: str = ""
    better: int = 1


class Rival(NamedTuple):
    """What a classical method found, and its metrics."""

    answer: Any
    metrics: Metrics


# Writes a file at the path that it is given; returns the file's path where that became another one.
Write = Callable[[Path], Any]
# Draws a figure at a path, beside the classical methods by name; draws nothing where there is nothing to be seen.
Draw = Callable[[Path, Mapping[str, Rival]], Any]


@dataclass(frozen=True)
class Findings:
    """What a judge found of an answer. Nothing is written or drawn before its function is called.

    Attributes:
        metrics: Finite numbers by name.
        measures: How metrics are read, in the order of the table. The first that was measured leads: it stands at the
            top of the table, and a sweep is compared by it. Metrics without a measure are kept, and not shown.
        files: What is written beneath `predictions/`, by file name.
        figures: What is drawn beneath `figures/`, by file name.
    """

    metrics: Metrics
    measures: Mapping[str, Measure] = field(default_factory=dict)
    files: Mapping[str, Write] = field(default_factory=dict)
    figures: Mapping[str, Draw] = field(default_factory=dict)


class Result(NamedTuple):
    """What one signal of a set left behind.

    Attributes:
        judge: The signal's.
        files: What was written beneath `predictions/`.
        metrics: Everything that was measured.
    """

    judge: Judge
    files: Sequence[Path]
    metrics: Mapping[str, float]


class Judge(ABC):
    """Compares an answer with what is known.

    Attributes:
        options: What `evaluate.py` takes for answers of this kind, each with a line of help.
        takes_rivals: Whether classical methods can be judged beside the field.
    """

    options: Mapping[str, str] = {}
    takes_rivals: bool = True

    def quick(self, answer: Any) -> Metrics:
        """The few numbers that progress shows, in about a second; empty where nothing is known to compare with."""
        return {}

    @abstractmethod
    def judge(self, answer: Any) -> Findings:
        """Everything that is found of an answer."""

    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        """What `evaluate.py` is asked for by these of its `options`.

        Returns:
            The name of the directory of the results, and a judge that finds what was asked for.

        Raises:
            UserError: An option is not what it must be.
        """
        return "whole", self

    def sheet(self, results: Sequence[Result], path: Path) -> Any:  # noqa: B027 - most kinds have none
        """Draw the results of a set, of which this is the first signal's judge, on one sheet; nothing by default."""


def leading(measures: Iterable[str], measured: Mapping[str, Any]) -> str | None:
    """The metric that fields are compared by: the first of the measures that was measured."""
    return next((name for name in measures if name in measured), None)

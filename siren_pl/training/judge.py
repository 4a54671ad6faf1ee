"""One object judges a result: quickly while the fit runs, thoroughly once it is done.

It judges an *answer*: what the user asked for, as the fields give it (aligned values, warped frames, a mesh). A
classical method's answer is of the same kind, so it is judged by the same rule.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

Metrics = dict[str, float]


class Measure(NamedTuple):
    """A metric's name and how to read it.

    Attributes:
        name: The metric's name in tables.
        unit: Its unit; empty if it has none.
        says: What it means, in a few words.
        better: +1 if more is better, -1 if less is better, 0 if it says nothing about quality.
    """

    name: str
    unit: str = ""
    says: str = ""
    better: int = 1


class Rival(NamedTuple):
    """A classical method's answer and its metrics."""

    answer: Any
    metrics: Metrics


# Writes a file at the given path; returns the path of the file if that differs.
Write = Callable[[Path], Any]
# Draws a figure at a path, given the classical methods by name; draws nothing if there is nothing to see.
Draw = Callable[[Path, Mapping[str, Rival]], Any]


@dataclass(frozen=True)
class Findings:
    """What a judge found about an answer. A file or figure is made only when its function is called.

    Attributes:
        metrics: Finite numbers by name.
        measures: How to read the metrics, in the order of the table. The first that was measured leads: it tops the
            table, and the jobs of a sweep are compared by it. Metrics without a measure are kept but not shown.
        files: Functions that write the files beneath `predictions/`, by file name.
        figures: Functions that draw the figures beneath `figures/`, by file name.
        failure: Why the fit counts as diverged although its numbers are finite; empty if it does not.
    """

    metrics: Metrics
    measures: Mapping[str, Measure] = field(default_factory=dict)
    files: Mapping[str, Write] = field(default_factory=dict)
    figures: Mapping[str, Draw] = field(default_factory=dict)
    failure: str = ""


class Result(NamedTuple):
    """The results of one signal of a set.

    Attributes:
        judge: The signal's judge.
        files: The files that were written beneath `predictions/`.
        metrics: All of its metrics.
    """

    judge: Judge
    files: Sequence[Path]
    metrics: Mapping[str, float]


class Judge(ABC):
    """Compares an answer with what is known.

    Attributes:
        options: The options of `evaluate.py` for answers of this kind, each with a line of help.
        takes_rivals: Whether classical methods can be judged beside the field.
    """

    options: Mapping[str, str] = {}
    takes_rivals: bool = True

    def quick(self, answer: Any) -> Metrics:
        """The few numbers that progress shows, in about a second; empty if there is nothing to compare with."""
        return {}

    @abstractmethod
    def judge(self, answer: Any) -> Findings:
        """Judge an answer thoroughly."""

    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        """Interpret the `options` that were given to `evaluate.py`.

        Returns:
            The name of the directory for the results, and a judge that finds what was asked for.

        Raises:
            UserError: An option has a bad value.
        """
        return "whole", self

    def sheet(self, results: Sequence[Result], path: Path) -> Any:  # noqa: B027 - most kinds have no sheet
        """Draw the results of a set on one sheet, called on the first signal's judge; by default draw nothing."""


def leading(measures: Iterable[str], measured: Mapping[str, Any]) -> str | None:
    """The metric that fields are compared by: the first of the measures that was measured."""
    return next((name for name in measures if name in measured), None)

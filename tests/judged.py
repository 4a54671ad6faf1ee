"""What a judge finds of a network at once: no command, no directory, no configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from siren_pl import Problem
from siren_pl.field.derivatives import AutoDerivatives
from siren_pl.field.networks.bundle import Bundle
from siren_pl.problems.pictures.containers import Container
from siren_pl.problems.sampled.evaluation import Evaluation, SlabEvaluation, WholeEvaluation
from siren_pl.problems.sampled.judge import SampledJudge
from siren_pl.problems.sampled.kind import Samples
from siren_pl.problems.sampled.rendering import FieldAnswer
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.runs.leave import Left, draw
from siren_pl.training.ask import Ask
from siren_pl.training.fields import ask_of
from siren_pl.training.judge import Findings, Rival

Methods = Mapping[str, Callable[[SampledSignal], torch.Tensor | None]]


def answer_of(network: torch.nn.Module, scale: float = 1.0, derivatives=None) -> FieldAnswer:
    """What any module says of coordinates, in a signal's units."""
    strategy = derivatives or AutoDerivatives(1)
    return FieldAnswer(Ask({"field": network}, {"field": strategy}, None, next(network.parameters())), scale)


@dataclass
class Judged:
    """A field that was judged beside classical methods, and may be drawn."""

    found: Evaluation
    rivals: dict[str, Rival]

    @property
    def metrics(self) -> dict[str, float]:
        """Those of the field, and of the methods beneath `baseline/`."""
        own = {f"baseline/{name}/{key}": v for name, rival in self.rivals.items() for key, v in rival.metrics.items()}
        return self.found.metrics | own

    def draw(self, directory: Path) -> list[Path]:
        """Every figure, in its order."""
        figures = self.found.signal.container.figures(self.found)
        return draw(Left({}, Findings({}, figures=figures), self.rivals, []), directory)


def judged(network, problem: Problem, methods: Methods | None = None) -> Judged:
    """A network judged as a run judges its field; its signal is a picture."""
    judge = problem.judge
    assert isinstance(judge, SampledJudge)
    if isinstance(judge.signal.container, Samples):
        judge = replace(judge, signal=replace(judge.signal, container=Container()))
    strategy = AutoDerivatives(problem.domain.out_features)
    answer = problem.answer(ask_of(Bundle({"field": network}), {"field": strategy}))
    found = (SlabEvaluation if judge.signal.is_large else WholeEvaluation)(judge, answer)
    rivals = {}
    for name, method in (methods or {}).items():
        values = method(judge.signal)
        if values is not None:
            rivals[name] = Rival(values, judge.judge(values).metrics)
    return Judged(found, rivals)

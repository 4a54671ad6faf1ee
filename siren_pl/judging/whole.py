"""Judge a field, and the classical methods by the same rule, on a signal that is held as a whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from torch import Tensor, nn

from siren_pl import figures, metrics
from siren_pl.derivatives import Derivatives
from siren_pl.jet import Jet
from siren_pl.judging.judgement import Judgement
from siren_pl.judging.restorations import Answer, rival
from siren_pl.rendering import jet_on_grid, render
from siren_pl.signals.containers import write_picture
from siren_pl.signals.images import to_unit
from siren_pl.signals.sampled import SampledSignal
from siren_pl.tasks.scores import clipped, derivative_scores, derivative_targets
from siren_pl.tasks.task import Task

Baseline = Callable[[SampledSignal], Tensor | None]

# Derivatives are scored and drawn up to this many samples; a jet of a larger picture would take minutes.
MOST_DERIVATIVE_SAMPLES = 1 << 20


class WholeJudgement(Judgement):
    """A field and its baselines on the signal's own grid. See `Judgement`.

    Attributes:
        values: The field's values, aligned by nothing, in the signal's units: (n_1, …, n_D, C).
        metrics: Everything that was measured.
        baselines: Values of each classical method that had an answer.
    """

    def __init__(
        self,
        network: nn.Module,
        task: Task,
        signal: SampledSignal,
        derivatives: Derivatives,
        baselines: Mapping[str, Baseline],
    ) -> None:
        super().__init__(network, task, signal)
        self.values = render(network, signal) / task.value_scale(signal)
        self.metrics = task.judge(self.values, signal) | {"clipped": clipped(task.align(self.values, signal))}
        self.jet: Jet | None = None
        if signal.known and signal.in_features > 1 and self.values[..., 0].numel() <= MOST_DERIVATIVE_SAMPLES:
            scale = task.value_scale(signal)
            order = getattr(network, "highest_order", 2)
            raw = jet_on_grid(network, signal, derivatives_of_order_two(derivatives), order)
            assert raw.gradient is not None
            second = None if raw.second is None else raw.second / scale
            self.jet = Jet(raw.value / scale, raw.gradient / scale, second, raw.groups)
            self.targets = derivative_targets(signal, *task.stencils)
            self.metrics |= derivative_scores(self.jet, self.targets)
        self.baselines: dict[str, Tensor] = {}
        for name, method in baselines.items():
            answer = method(signal)
            if answer is not None:
                self.baselines[name] = answer
                scores = task.judge(answer, signal)
                self.metrics |= {f"baseline/{name}/{metric}": value for metric, value in scores.items()}

    @property
    def offset(self) -> Tensor:
        """See `Judgement`."""
        return (self.task.align(self.values, self.signal) - self.values).reshape(-1, self.signal.out_features).mean(0)

    def _draw_image(self, directory: Path) -> list[Path]:
        """See `Judgement`: reconstructions, and the field's derivatives where they were scored."""
        target = to_unit(self.signal.values)
        results = [("field", self.values), *[(name.replace("_", " "), v) for name, v in self.baselines.items()]]
        panels = []
        for name, values in results:
            pixels = to_unit(self.task.align(values, self.signal))
            panels.append((f"{name}, {metrics.psnr(pixels, target):.2f} dB", pixels))
        paths = [figures.reconstruction(target, panels, directory / "reconstruction.png")]
        if self.task.panels is not None:
            pictures = self.task.panels(self.task.align(self.values, self.signal), self.signal)
            paths.append(figures.panels(pictures, directory / f"{self.task.name}.png"))
        if self.jet is not None and self.jet.gradient is not None:
            shape = self.signal.values.shape
            found = {"gradient": self.jet.gradient.double().numpy().reshape(-1, *shape)}
            if self.jet.second is not None:
                found["laplacian"] = self.jet.laplacian.double().numpy().reshape(shape)
            paths.append(
                figures.derivatives(dict(self.targets), found, self.task.stencils, directory / "derivatives.png")
            )
        return paths

    def _answers(self) -> list[Answer]:
        """See `Judgement`."""
        field = Answer("field", to_unit(self.task.align(self.values, self.signal)), self.metrics)
        name = rival(self.metrics, list(self.baselines), self.signal)
        if name is None:
            return [field]
        prefix = f"baseline/{name}/"
        scores = {key.removeprefix(prefix): value for key, value in self.metrics.items() if key.startswith(prefix)}
        return [Answer(name, to_unit(self.baselines[name]), scores), field]

    def save_picture(self, path: Path) -> Path:
        """See `Judgement`."""
        return write_picture(to_unit(self.task.align(self.values, self.signal)), path, self.signal.container)


def derivatives_of_order_two(derivatives: Derivatives) -> Derivatives:
    """The strategy itself if it reaches order 2, else the forward jet."""
    from siren_pl.derivatives import ForwardDerivatives, ReverseDerivatives

    return ForwardDerivatives() if isinstance(derivatives, ReverseDerivatives) else derivatives

"""Judge a field, and the classical methods by the same rule, on a signal that is held as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from torch import Tensor, nn
from typing_extensions import override

from siren_pl.field.derivatives import Derivatives
from siren_pl.field.jet import Jet
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.containers import write_picture
from siren_pl.problems.pictures.judging.judgement import Baseline, Judgement
from siren_pl.problems.pictures.judging.restorations import Answer, rival
from siren_pl.problems.pictures.judging.zooms import name_of_truth
from siren_pl.problems.sampled import metrics
from siren_pl.problems.sampled.levels import to_unit
from siren_pl.problems.sampled.rendering import jet_on_grid, render
from siren_pl.problems.sampled.scores import align_mean, clipped, derivative_scores, derivative_targets
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS, LAPLACIAN_STENCILS, seen_by
from siren_pl.training.attempts import attempt
from siren_pl.training.problem import Problem

# Pixels that are right to less than this are the same in a file of 8 bits.
HALF_A_LEVEL = 0.5 / 255
# Derivatives are scored and drawn up to this many samples; a jet of a larger picture would take minutes.
MOST_DERIVATIVE_SAMPLES = 1 << 20


class WholeJudgement(Judgement):
    """A field and its baselines on the signal's own grid.

    Attributes:
        values: The field's values, aligned by nothing, in the signal's units: (n_1, …, n_D, C).
        metrics: Everything that was measured.
        baselines: Values of each classical method that had an answer.
    """

    def __init__(
        self,
        network: nn.Module,
        problem: Problem,
        signal: SampledSignal,
        derivatives: Derivatives,
    ) -> None:
        super().__init__(network, problem, signal)
        self.values = render(network, signal) / problem.judge.value_scale
        self.metrics = problem.judge.judge(self.values) | {"clipped": clipped(problem.judge.align(self.values, signal))}
        self.jet: Jet | None = None
        if signal.known and signal.in_features > 1 and self.values[..., 0].numel() <= MOST_DERIVATIVE_SAMPLES:
            scale = problem.judge.value_scale
            order = getattr(network, "highest_order", 2)
            raw = jet_on_grid(network, signal, derivatives_of_order_two(derivatives), order)
            assert raw.gradient is not None
            second = None if raw.second is None else raw.second / scale
            self.jet = Jet(raw.value / scale, raw.gradient / scale, second, raw.groups)
            self.targets = derivative_targets(signal, *problem.judge.stencils)
            self.metrics |= derivative_scores(self.jet, self.targets)
        self.baselines: dict[str, Tensor] = {}

    @override
    def compare(self, baselines: Mapping[str, Baseline]) -> None:
        for name, method in baselines.items():
            with attempt(f"baseline/{name}"):
                answer = method(self.signal)
                if answer is not None:
                    scores = self.problem.judge.judge(answer)
                    self.metrics |= {f"baseline/{name}/{metric}": value for metric, value in scores.items()}
                    self.baselines[name] = answer

    @property
    @override
    def offset(self) -> Tensor:
        return (
            (self.problem.judge.align(self.values, self.signal) - self.values)
            .reshape(-1, self.signal.out_features)
            .mean(0)
        )

    @override
    def _draw_image(self, directory: Path) -> list[Path]:
        """Reconstructions, and the field's derivatives where they were scored."""
        paths, found = [], self._found()
        with attempt("figures/reconstruction.png"):
            paths.append(self._draw_reconstruction(found, directory / "reconstruction.png"))
        if self.problem.judge.panels is not None:
            with attempt(f"figures/{self.problem.name}.png"):
                pictures = self.problem.judge.panels(self.problem.judge.align(self.values, self.signal), self.signal)
                paths.append(figures.panels(pictures, directory / f"{self.problem.name}.png"))
        if found:
            with attempt("figures/derivatives.png"):
                path = directory / "derivatives.png"
                paths.append(figures.derivatives(dict(self.targets), found, self.problem.judge.stencils, path))
        return paths

    def _draw_reconstruction(self, found: Mapping[str, figures.Array], path: Path) -> Path:
        """The truth, the field and every rival that differs from it; what the field was given, where derivatives."""
        truth = to_unit(self.signal.values)
        results, exact = [], []
        for name, values in {"field": self.values, **self.baselines}.items():
            pixels = to_unit(self.problem.judge.align(values, self.signal))
            # Drawn, it would be the truth again and an error that is black.
            if name != "field" and abs(pixels - truth).max() < HALF_A_LEVEL:
                exact.append(name.replace("_", " "))
            else:
                results.append((f"{name.replace('_', ' ')}, {metrics.psnr(pixels, truth):.2f} dB", pixels))
        title, given = name_of_truth(self.signal), []
        if found and self.problem.judge.panels is None:
            given = list(self._given(found))
        notes = ["The field was given what is on the left, and never this picture."] if given else []
        if given and self.signal.has_gaps:
            notes.append("Magenta: nothing was given.")
        if self.problem.judge.align is align_mean:
            notes.append("Derivatives leave the mean open: every result's is set to the truth's.")
        if exact:
            notes.append(f"Equal to the {title} in 8 bits, so not drawn: {', '.join(exact)}.")
        return figures.reconstruction((title, truth), results, path, given=given, notes=notes)

    def _found(self) -> dict[str, figures.Array]:
        """The field's own `gradient` (D, n_1, …, n_D, C) and `laplacian` (n_1, …, n_D, C), as far as it has them."""
        if self.jet is None or self.jet.gradient is None:
            return {}
        shape = self.signal.values.shape
        found = {"gradient": self.jet.gradient.double().numpy().reshape(-1, *shape)}
        if self.jet.second is not None:
            found["laplacian"] = self.jet.laplacian.double().numpy().reshape(shape)
        return found

    def _given(self, found: Mapping[str, figures.Array]) -> Iterator[figures.Given]:
        """The derivatives among the task's terms, of the target and of the field."""
        observed = self.signal.observed.numpy()
        stencils = GRADIENT_STENCILS[self.problem.judge.stencils[0]], LAPLACIAN_STENCILS[self.problem.judge.stencils[1]]
        for name, stencil in zip(("gradient", "laplacian"), stencils, strict=True):
            if name not in self.problem.terms or name not in found:
                continue
            target = np.where(seen_by(stencil, observed)[..., None], self.targets[name], np.nan)
            if name == "laplacian":
                yield figures.Given("Laplacian", target.mean(-1), found[name].mean(-1))
            else:
                yield from (
                    figures.Given(axis, wanted.mean(-1), own.mean(-1))
                    for axis, wanted, own in zip(
                        ("slope down, ∂/∂y", "slope across, ∂/∂x"), target, found[name], strict=True
                    )
                )

    @override
    def _answers(self) -> list[Answer]:
        field = Answer("field", to_unit(self.problem.judge.align(self.values, self.signal)), self.metrics)
        name = rival(self.metrics, list(self.baselines), self.signal)
        if name is None:
            return [field]
        prefix = f"baseline/{name}/"
        scores = {key.removeprefix(prefix): value for key, value in self.metrics.items() if key.startswith(prefix)}
        return [Answer(name, to_unit(self.baselines[name]), scores), field]

    @override
    def save_picture(self, path: Path) -> Path:
        return write_picture(to_unit(self.problem.judge.align(self.values, self.signal)), path, self.signal.container)


def derivatives_of_order_two(derivatives: Derivatives) -> Derivatives:
    """The strategy itself if it reaches order 2, else the forward jet."""
    from siren_pl.field.derivatives import ForwardDerivatives, ReverseDerivatives

    return ForwardDerivatives() if isinstance(derivatives, ReverseDerivatives) else derivatives

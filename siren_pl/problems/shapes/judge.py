"""How a shape's field is judged: a mesh is extracted, measured against the truth, written and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from typing_extensions import override

from siren_pl.errors import UserError
from siren_pl.problems.shapes.clouds import Cloud
from siren_pl.problems.shapes.export import files_of
from siren_pl.problems.shapes.extraction import extracted
from siren_pl.problems.shapes.figures import figures_of
from siren_pl.problems.shapes.implicit import Implicit
from siren_pl.problems.shapes.measures import MEASURES, distance_errors, measured
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.training.judge import Findings, Judge, Metrics

# Points at which progress is measured.
QUICK_POINTS = 10_000
# Cells along an axis of `evaluate.py`: below, a limb is lost, above, a mesh has more triangles than are of use.
LEAST_RESOLUTION, MOST_RESOLUTION = 8, 1024


@dataclass(frozen=True)
class ShapeJudge(Judge):
    """Judges a function whose zero set is the surface, or a mesh.

    Attributes:
        cloud: What is known of the surface.
        resolution: Cells along an axis of the lattice from which a mesh is extracted.
    """

    cloud: Cloud
    resolution: int

    options = MappingProxyType({"resolution": "512: cells along each axis of the lattice that is cut"})

    @override
    def quick(self, answer: Implicit) -> Metrics:
        """The mean distance that the field says at points of the cloud."""
        some = self.cloud.points[:: max(1, len(self.cloud.points) // QUICK_POINTS)]
        return {"cloud_error": float(np.abs(answer.values(some)).mean())}

    @override
    def judge(self, answer: Implicit | Mesh) -> Findings:
        cloud = self.cloud
        mesh = answer if isinstance(answer, Mesh) else extracted(answer, self.resolution)
        metrics = measured(mesh, cloud)
        if isinstance(answer, Mesh):
            return Findings(metrics, _shown(metrics))
        if cloud.truth is not None:
            metrics |= distance_errors(answer, cloud.truth)
        files, figures = files_of(mesh, cloud.name, cloud.frame), figures_of(mesh, answer, cloud)
        return Findings(metrics, _shown(metrics), files, figures, _failure(mesh, cloud))

    @override
    def asked(self, options: Mapping[str, str]) -> tuple[str, Judge]:
        if "resolution" not in options:
            return "whole", self
        said = options["resolution"]
        if not said.isdecimal() or not LEAST_RESOLUTION <= int(said) <= MOST_RESOLUTION:
            raise UserError(
                f"resolution={said} must be a whole number from {LEAST_RESOLUTION} to {MOST_RESOLUTION}: the cells "
                "along each axis."
            )
        return f"{int(said)}", replace(self, resolution=int(said))


def _shown(metrics: Metrics) -> dict:
    return {name: measure for name, measure in MEASURES.items() if name in metrics}


def _failure(mesh: Mesh, cloud: Cloud) -> str:
    """What to say of a field without a surface; empty for any other."""
    if len(mesh.faces):
        return ""
    return (
        f"the field of {cloud.name} has no zero set in [-1, 1]³, so there is no mesh. The run counts as diverged: try "
        "more steps (trainer.max_steps) or a lower optimizer.factor (0.3)."
    )

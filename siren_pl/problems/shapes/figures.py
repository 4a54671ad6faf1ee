"""The figures of a shape: its mesh from two sides beside the truth and the rivals, and slices of the distance."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from siren_pl import plots
from siren_pl.problems.shapes.clouds import EXTENT, Cloud
from siren_pl.problems.shapes.drawing import rendered
from siren_pl.problems.shapes.implicit import Implicit
from siren_pl.problems.shapes.meshes import Mesh
from siren_pl.training.judge import Draw, Rival

# Pixels of a picture's side, points along a slice, and the distance between two of its contours.
SIDE, POINTS, CONTOUR = 480, 200, 0.1
# The other side from which a mesh is shown.
BEHIND = (-0.8, 0.35, -0.7)


def figures_of(mesh: Mesh, implicit: Implicit, cloud: Cloud) -> dict[str, Draw]:
    """Every figure of a fitted shape, by file name."""
    return {"mesh.png": partial(_draw_meshes, mesh, cloud), "slices.png": partial(_draw_slices, implicit)}


def _draw_meshes(mesh: Mesh, cloud: Cloud, path: Path, rivals: Mapping[str, Rival]) -> Path:
    shown = {"field": mesh}
    if cloud.truth is not None:
        shown["truth"] = cloud.truth
    shown |= {name: rival.answer for name, rival in rivals.items() if isinstance(rival.answer, Mesh)}
    figure, axes = plots.subplots(2, len(shown))
    for column, (name, each) in enumerate(shown.items()):
        for row, pixels in enumerate((rendered(each, SIDE), rendered(each, SIDE, BEHIND))):
            axes[row, column].imshow(pixels)
            axes[row, column].set_axis_off()
        axes[0, column].set_title(f"{name} ({len(each.faces):,} triangles)")
    return plots.save(figure, path)


def _draw_slices(implicit: Implicit, path: Path, _: Mapping[str, Rival]) -> Path:
    """Contours of the distance in the three planes through the middle: where they are evenly spaced, it is one."""
    axis = np.linspace(-EXTENT, EXTENT, POINTS)
    across, along = np.meshgrid(axis, axis)
    figure, axes = plots.subplots(1, 3)
    levels = np.arange(-1, 1.5, CONTOUR)
    for fixed, panel in enumerate(axes[0]):
        places = np.zeros((POINTS**2, 3))
        first, second = (each for each in range(3) if each != fixed)
        places[:, first], places[:, second] = across.reshape(-1), along.reshape(-1)
        values = implicit.values(places).reshape(POINTS, POINTS)
        panel.contourf(across, along, values, levels, cmap="RdBu_r", vmin=-1, vmax=1)
        panel.contour(across, along, values, levels, colors="0.4", linewidths=0.4, linestyles="solid")
        if values.min() < 0 < values.max():
            panel.contour(across, along, values, [0.0], colors="black", linewidths=1.5)
        panel.set(title=f"{'xyz'[fixed]} = 0", xlabel="xyz"[first], ylabel="xyz"[second], aspect="equal")
    return plots.save(figure, path)

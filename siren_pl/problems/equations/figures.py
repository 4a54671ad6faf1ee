"""Figures and films of a solution: what is exact, what was found and the error side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from siren_pl import plots
from siren_pl.problems.equations.terms import TIME
from siren_pl.problems.sampled.films import write_mp4
from siren_pl.training.judge import Draw, Rival, Write

if TYPE_CHECKING:
    from siren_pl.problems.equations.judge import Looked

# Moments of a strip, frames of a film and frames per second.
MOMENTS, FRAMES, RATE = 5, 48, 12
LINE, PLANE, SPACE = 1, 2, 3


def figures_of(looked: Looked) -> dict[str, Draw]:
    """A figure of every function, by file name."""
    if len(looked.grid.shape) > SPACE:
        return {}
    return {f"{name}.png": partial(_draw, looked, column) for column, name in enumerate(looked.names)}


def films_of(looked: Looked, name: str) -> dict[str, Write]:
    """A film of a solution in time, by file name; none of one that has no time or more than two other axes."""
    names = looked.grid.region.names
    if TIME not in names or not PLANE <= len(names) <= SPACE:
        return {}
    return {f"{name}.mp4": lambda path: write_mp4(_frames(looked), RATE, path)}


def _panels(looked: Looked, column: int) -> dict[str, NDArray]:
    """What is shown of a function, by title: exact, found, error; of a complex one the real part."""
    found, truth = (np.real(each[:, column]).reshape(looked.grid.shape) for each in (looked.found, looked.truth))
    if not np.isfinite(truth).any():
        return {"found": found}
    return {"exact": truth, "found": found, "error": found - truth}


def _draw(looked: Looked, column: int, path: Path, rivals: Mapping[str, Rival]) -> Path:
    panels, name = _panels(looked, column), looked.names[column]
    drawn = {LINE: _lines, PLANE: _planes, SPACE: _strips}[len(looked.grid.shape)]
    return plots.save(drawn(looked, panels, name), path)


def _lines(looked: Looked, panels: Mapping[str, NDArray], name: str) -> Any:
    figure, axes = plots.subplots(1, 1 + ("error" in panels))
    x, axis = looked.grid.axes[0], looked.grid.region.names[0]
    for title, style in (("exact", "-"), ("found", "--")):
        if title in panels:
            axes[0, 0].plot(x, panels[title], style, label=title)
    axes[0, 0].set(xlabel=axis, ylabel=name, title=name)
    axes[0, 0].legend(fontsize=8)
    if "error" in panels:
        axes[0, 1].plot(x, panels["error"])
        axes[0, 1].set(xlabel=axis, ylabel="error", title="error")
    return figure


def _planes(looked: Looked, panels: Mapping[str, NDArray], name: str) -> Any:
    """Panels over two axes; time runs to the right, the other axis, or y, upwards."""
    figure, axes = plots.subplots(1, len(panels))
    names, ends = looked.grid.region.names, [(each[0], each[-1]) for each in looked.grid.axes]
    for panel, (title, values) in zip(axes[0], panels.items(), strict=True):
        shown = panel.imshow(
            values.T, origin="lower", extent=(*ends[0], *ends[1]), aspect="auto", **_colours(title, panels)
        )
        panel.set(xlabel=names[0], ylabel=names[1], title=f"{name}: {title}")
        if TIME not in names:
            panel.set_aspect("equal")
        figure.colorbar(shown, ax=panel, shrink=0.85)
    return figure


def _strips(looked: Looked, panels: Mapping[str, NDArray], name: str) -> Any:
    """A row per panel; five moments of a time, or five places along the first axis."""
    names = looked.grid.region.names
    first = names.index(TIME) if TIME in names else 0
    others = [axis for axis in range(SPACE) if axis != first]
    chosen = np.linspace(0, looked.grid.shape[first] - 1, MOMENTS).round().astype(int)
    figure, axes = plots.subplots(len(panels), MOMENTS, height=plots.PANEL * 0.75)
    ends = [(each[0], each[-1]) for each in looked.grid.axes]
    for row, (title, values) in enumerate(panels.items()):
        for panel, index in zip(axes[row], chosen, strict=True):
            extent = (*ends[others[0]], *ends[others[1]])
            shown = panel.imshow(
                np.take(values, index, first).T, origin="lower", extent=extent, **_colours(title, panels)
            )
            panel.set(title=f"{title}, {names[first]} = {looked.grid.axes[first][index]:.3g}", xlabel=names[others[0]])
        axes[row, 0].set_ylabel(f"{name}\n{names[others[1]]}")
        figure.colorbar(shown, ax=axes[row, -1], shrink=0.85)
    return figure


def _colours(title: str, panels: Mapping[str, NDArray]) -> dict[str, Any]:
    """One scale for what is exact and what was found, and one that is even around zero for the error."""
    if title == "error":
        largest = float(np.nanmax(np.abs(panels["error"]))) or 1.0
        return {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    known = panels.get("exact", panels["found"])
    return {"cmap": "viridis", "vmin": float(np.nanmin(known)), "vmax": float(np.nanmax(known))}


def _frames(looked: Looked) -> Iterator[NDArray]:
    """Pictures (H, W, 3) of the first output at one moment after another."""
    names, panels = looked.grid.region.names, _panels(looked, 0)
    time = names.index(TIME)
    others = [axis for axis in range(len(names)) if axis != time]
    ends = [(each[0], each[-1]) for each in looked.grid.axes]
    for index in np.linspace(0, looked.grid.shape[time] - 1, FRAMES).round().astype(int):
        moment = {title: np.take(values, index, time) for title, values in panels.items()}
        when = f"t = {looked.grid.axes[time][index]:.3f}"
        yield (
            _line_frame(looked, moment, others[0], when, panels)
            if len(others) == LINE
            else _plane_frame(looked, moment, (*ends[others[0]], *ends[others[1]]), when, panels)
        )


def _line_frame(looked: Looked, moment: Mapping[str, NDArray], axis: int, when: str, panels: Any) -> NDArray:
    figure, axes = plots.subplots(1, 1)
    for title, style in (("exact", "-"), ("found", "--")):
        if title in moment:
            axes[0, 0].plot(looked.grid.axes[axis], moment[title], style, label=title)
    scale = _colours("found", panels)
    margin = 0.05 * (scale["vmax"] - scale["vmin"]) or 1.0
    axes[0, 0].set(xlabel=looked.grid.region.names[axis], ylabel=looked.names[0], title=when)
    axes[0, 0].set_ylim(scale["vmin"] - margin, scale["vmax"] + margin)
    axes[0, 0].legend(fontsize=8, loc="upper right")
    return plots.pixels(figure)


def _plane_frame(looked: Looked, moment: Mapping[str, NDArray], extent: Any, when: str, panels: Any) -> NDArray:
    figure, axes = plots.subplots(1, len(moment))
    for panel, (title, values) in zip(axes[0], moment.items(), strict=True):
        panel.imshow(values.T, origin="lower", extent=extent, **_colours(title, panels))
        largest = f" (at most {np.nanmax(np.abs(panels[title])):.2g} in size)" if title == "error" else ""
        panel.set_title(f"{title}, {when}{largest}", fontsize=9)
    return plots.pixels(figure)

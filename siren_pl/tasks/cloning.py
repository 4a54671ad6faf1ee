"""Seamless cloning: a field has the source's slopes inside a mask, and the target's values outside of it.

The slopes are looked at between neighbouring samples, each pair along its own axis, on a lattice that is shifted at
random at every step; where it lies, the pictures' cosine interpolants say what is wanted. Unlike the slopes of one
picture, those of a clone are not met exactly: what is left of them has no sources inside the mask. Its potential with
zero outside is therefore zero for the right field, and the mean square of the rest is least for it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.jet import Jet
from siren_pl.signals.edits import CloningEdit
from siren_pl.signals.sampled import SampledSignal
from siren_pl.signals.stencils import GRADIENT_STENCILS
from siren_pl.tasks.dirichlet import potential, solver
from siren_pl.tasks.lattice import Lattice, spectrum
from siren_pl.tasks.task import Points, Term, chosen_rows

# Samples outside of the mask that a step looks at beside all of the rim; there are many, and they are easy.
SURROUNDINGS = 4096
# Weight of the rim's error: its potential reaches all of the inside.
BOUNDARY = 1.0


def cloning_of(signal: SampledSignal) -> CloningEdit:
    """What is cloned.

    Raises:
        UserError: The signal is no clone.
    """
    if not isinstance(signal.observation, CloningEdit):
        raise UserError(f"cloning needs task.mode=clone, and a dataset of images; {signal.withheld} is of another.")
    return signal.observation


class CloneTerm(Term):
    """The error of the slopes between neighbours, and its potential inside the mask.

    Args:
        integrated: Whether the potential is supervised too.
    """

    order = 1

    def __init__(self, integrated: bool) -> None:
        self.integrated = integrated

    def points(self, signal: SampledSignal) -> Points:
        """Spectra of the pictures' slopes per pixel (2, S, H, W, C), first samples of pairs, half the image's sides.

        With `integrated` also what the potential needs.
        """
        edit = cloning_of(signal)
        material, self._rule = edit.material, edit.rule
        gradients = [
            torch.from_numpy(GRADIENT_STENCILS["spectral"].apply(picture.double().numpy()))
            for picture in (*material.sources, material.target)
        ]
        table = {
            "spectra": torch.stack(
                [torch.stack([spectrum(gradient[axis], axis) for gradient in gradients]) for axis in (0, 1)]
            ).float(),
            "pixels": torch.tensor(signal.pixels_per_unit),
            "lent": material.inside.sum().float(),
            "first_0": torch.from_numpy(edit.pairs[0, : edit.downward]),
            "first_1": torch.from_numpy(edit.pairs[0, edit.downward :]),
        }
        return table | solver(material.inside, edit.rim, torch.from_numpy(edit.pairs)) if self.integrated else table

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator) -> Points:
        """All pairs, whatever the batch size, moved together by up to half a sample from their middles.

        Returns:
            `coords` (P, 2) and `slope` per pixel (P, C), pairs down the columns first.
        """
        spectra = table["spectra"]
        shape = (spectra.shape[2], spectra.shape[3])
        # In float32 whatever the precision of the fit, so that every precision sees the same lattices.
        shift = torch.rand(2, generator=generator, device=generator.device, dtype=torch.float32) - 0.5
        coords, slopes = [], []
        for axis in (0, 1):
            # The middle between samples i and i + 1, which lie at i + 1/2 and i + 3/2.
            middles = [
                torch.arange(n, device=shift.device) + (1.0 if i == axis else 0.5) + shift[i]
                for i, n in enumerate(shape)
            ]
            lattice, chosen = Lattice(shape, middles), table[f"first_{axis}"]
            found = [
                torch.stack([lattice.interpolate(picture, i).flatten(0, 1)[chosen] for picture in pictures])
                for i, pictures in enumerate(spectra)
            ]
            slopes.append(self._rule(torch.stack(found, dim=1))[axis])  # of (S, 2, P, C)
            coords.append(lattice.coords(shape, table["pixels"])[chosen].to(spectra))
        drawn = {key: column for key, column in table.items() if key != "spectra"}
        return drawn | {"coords": torch.cat(coords), "slope": torch.cat(slopes)}

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """`gradient`: the squared error per pixel, and `potential`: the squared error in values that it implies.

        Both are summed over the slopes, or samples, of the inside, and divided by its samples and channels.
        """
        assert jet.gradient is not None
        down = len(points["first_0"])
        found = [jet.gradient[0, :down] / points["pixels"][0], jet.gradient[1, down:] / points["pixels"][1]]
        residual = torch.cat(found) - points["slope"]
        numbers = points["lent"] * residual.shape[-1]
        losses = {"gradient": residual.square().sum() / numbers}
        if self.integrated:
            losses["potential"] = potential(residual, points).square().sum() / numbers
        return losses


class SurroundingsTerm(Term):
    """Mean squared error of the values outside of the mask: all of its rim, and a part of the others.

    Args:
        weight: Of the error on the rim.
    """

    def __init__(self, weight: float = BOUNDARY) -> None:
        self.weight = weight

    def points(self, signal: SampledSignal) -> Points:
        """Coordinates and values of the samples on the rim, and of all outside of the mask."""
        edit = cloning_of(signal)
        coords, values = signal.coords(), edit.material.target.reshape(-1, signal.out_features)
        rows = {"": ~edit.material.inside, "rim_": edit.rim}
        return {
            f"{name}{key}": column[chosen.reshape(-1)]
            for name, chosen in rows.items()
            for key, column in (("coords", coords), ("value", values))
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator) -> Points:
        """The rim, and after it up to `SURROUNDINGS` samples drawn with replacement."""
        rows = chosen_rows(len(table["coords"]), min(batch_size or SURROUNDINGS, SURROUNDINGS), generator)
        columns = {key: table[key] if rows is None else table[key][rows] for key in ("coords", "value")}
        return {key: torch.cat([table[f"rim_{key}"], column]) for key, column in columns.items()} | {
            "rim": table["rim_coords"][:, 0]
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """`boundary`, on the rim, weighted; `surroundings`, everywhere outside."""
        error, count = (jet.value - points["value"]).square(), len(points["rim"])
        return {"boundary": self.weight * error[:count].mean(), "surroundings": error[count:].mean()}

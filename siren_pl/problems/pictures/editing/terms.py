"""Terms of seamless cloning: a field should have the source's gradients inside a mask, and the target's values outside.

Differences between neighbouring samples, each along the axis of the pair, are supervised on a lattice that is shifted
at random at every step; the pictures' cosine interpolants give the targets there. In contrast to the gradients of one
picture, those of a clone cannot be matched exactly. The remaining error has no divergence inside the mask, so its
potential, which is zero outside, vanishes for the right field, and its mean square is minimal for it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from siren_pl.errors import UserError
from siren_pl.field.jet import Jet
from siren_pl.problems.derivatives.lattice import Lattice, spectrum
from siren_pl.problems.pictures.editing.clones import CloningEdit
from siren_pl.problems.pictures.editing.dirichlet import potential, solver
from siren_pl.problems.pictures.editing.guidance import Rule
from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.problems.sampled.stencils import GRADIENT_STENCILS
from siren_pl.training.term import Points, Term, chosen_rows

# Number of samples outside the mask in a step, in addition to the whole rim; there are many, and they are easy to fit.
SURROUNDINGS = 4096
# Weight of the gradients' squared error relative to that of the potential. The right field does not make it zero (see
# above), so it is noise on a shifted lattice; with a weight of 1 it distorted the rim.
SLOPES = 0.01
# Weight of the error on the rim, which would spread to the whole inside.
BOUNDARY = 4.0


def cloning_of(signal: SampledSignal) -> CloningEdit:
    """The cloning edit that the signal is a result of.

    Raises:
        UserError: The signal is not a clone.
    """
    if not isinstance(signal.observation, CloningEdit):
        raise UserError(f"cloning needs task.mode=clone, and a dataset of images; {signal.withheld} is of another.")
    return signal.observation


@dataclass(frozen=True)
class CloneTerm(Term):
    """The error of the gradients between neighbours, and its potential inside the mask.

    Attributes:
        signal: The edited picture.
        rule: Chooses among the pictures' gradients, see `siren_pl.problems.pictures.editing.guidance`.
        integrated: Whether to supervise the potential too.
    """

    signal: SampledSignal = field(compare=False)
    rule: Rule
    integrated: bool

    order = 1

    def points(self) -> Points:
        """Make the table: spectra of the pictures' gradients per pixel (2, S, H, W, C), samples and pairs.

        `cell` (N,) holds the numbers in the grid of the N samples of the inside and its rim; `pair_0` and `pair_1`
        (2, P) hold the numbers among these N of both samples of a pair. With `integrated` there are also the tensors of
        the potential.
        """
        signal, edit = self.signal, cloning_of(self.signal)
        material = edit.material
        gradients = [
            torch.from_numpy(GRADIENT_STENCILS["spectral"].apply(picture.double().numpy()))
            for picture in (*material.sources, material.target)
        ]
        pairs = torch.from_numpy(edit.pairs)
        cells, among = pairs.unique(return_inverse=True)
        table = {
            "spectra": torch.stack(
                [torch.stack([spectrum(gradient[axis], axis) for gradient in gradients]) for axis in (0, 1)]
            ).float(),
            "pixels": torch.tensor(signal.pixels_per_unit),
            "lent": material.inside.sum().float(),
            "cell": cells,
            "pair_0": among[:, : edit.downward],
            "pair_1": among[:, edit.downward :],
        }
        return table | solver(material.inside, edit.rim, pairs) if self.integrated else table

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Take all samples, whatever the batch size, moved together by up to half of their distance.

        Returns:
            `coords` (N, 2), `slope` per pixel (2, N, C), and for each axis the numbers among the N of one per pair.
        """
        spectra = table["spectra"]
        shape = (spectra.shape[2], spectra.shape[3])
        # The type is always float32, so that fits in every precision use the same lattices.
        shift = torch.rand(2, generator=generator, device=generator.device, dtype=torch.float32) - 0.5
        lattice = Lattice(
            shape, [torch.arange(n, device=shift.device) + 0.5 + by for n, by in zip(shape, shift, strict=True)]
        )
        found = [
            torch.stack([lattice.interpolate(picture, axis).flatten(0, 1)[table["cell"]] for picture in pictures])
            for axis, pictures in enumerate(spectra)
        ]
        kept = {key: column for key, column in table.items() if key not in ("spectra", "cell", "pair_0", "pair_1")}
        return kept | {
            "coords": lattice.coords(shape, table["pixels"]).to(spectra)[table["cell"]],
            "slope": self.rule(torch.stack(found, dim=1)),  # of (S, 2, N, C)
            # A sample that is moved forwards lies between its place and the next one, else between it and the previous.
            **{f"at_{i}": torch.where(by > 0, *table[f"pair_{i}"]) for i, by in enumerate(shift)},
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `gradient`, the weighted squared error per pixel, and `potential`, that in values, which it implies.

        Both are summed over the gradients, or samples, of the inside, and divided by its samples times channels.
        """
        assert jet.gradient is not None
        error = jet.gradient / points["pixels"][:, None, None] - points["slope"]
        residual = torch.cat([error[axis][points[f"at_{axis}"]] for axis in (0, 1)])  # (P, C)
        numbers = points["lent"] * residual.shape[-1]
        squared = residual.square().sum() / numbers
        if not self.integrated:
            return {"gradient": squared}
        return {"gradient": SLOPES * squared, "potential": potential(residual, points).square().sum() / numbers}


@dataclass(frozen=True)
class SurroundingsTerm(Term):
    """The mean squared error of values outside the mask: of its whole rim, and of a part of the others.

    Attributes:
        signal: The edited picture.
        weight: Weight of the error on the rim.
    """

    signal: SampledSignal = field(compare=False)
    weight: float

    def points(self) -> Points:
        """Make the table: coordinates and values of the samples on the rim, and of all samples outside the mask."""
        signal, edit = self.signal, cloning_of(self.signal)
        coords, values = signal.coords(), edit.material.target.reshape(-1, signal.out_features)
        rows = {"": ~edit.material.inside, "rim_": edit.rim}
        return {
            f"{name}{key}": column[chosen.reshape(-1)]
            for name, chosen in rows.items()
            for key, column in (("coords", coords), ("value", values))
        }

    def draw(self, table: Points, batch_size: int | None, generator: torch.Generator, progress: float) -> Points:
        """Take the whole rim, then draw up to `SURROUNDINGS` samples with replacement."""
        rows = chosen_rows(len(table["coords"]), min(batch_size or SURROUNDINGS, SURROUNDINGS), generator)
        columns = {key: table[key] if rows is None else table[key][rows] for key in ("coords", "value")}
        return {key: torch.cat([table[f"rim_{key}"], column]) for key, column in columns.items()} | {
            "rim": table["rim_coords"][:, 0]
        }

    def losses(self, jet: Jet, points: Points) -> dict[str, Tensor]:
        """Compute `boundary`, the weighted error on the rim, and `surroundings`, that of samples everywhere outside."""
        error, count = (jet.value - points["value"]).square(), len(points["rim"])
        return {"boundary": self.weight * error[:count].mean(), "surroundings": error[count:].mean()}

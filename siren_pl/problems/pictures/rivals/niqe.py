"""NIQE: the distance of a picture's statistics from those of natural pictures; it needs no truth (Mittal et al. 2013).

The statistics are those of normalised luminance and of products of neighbours, fitted by asymmetric generalised
Gaussians on blocks, at two scales. Published numbers in a local file represent the natural pictures.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.special import gamma

from siren_pl.errors import UserError
from siren_pl.problems.pictures import metrics

Array = NDArray[np.float64]

BLOCK = 96  # side in pixels, halved at the second scale
SCALES = (1, 2)
# Products are taken with the right, lower, lower right and lower left neighbour: (rows, columns) to roll by.
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
FEATURES = len(SCALES) * (2 + 4 * len(NEIGHBOURS))
SATURATION = 1.0  # in levels; avoids a division by zero in flat regions
# The candidate shapes of a fit, with their ratios (E|x|)² / E x², which increase.
SHAPE_DECIMALS = 3
SHAPES = np.arange(200, 10_001) / 10**SHAPE_DECIMALS
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))
# Keys' cubic kernel (a = −1/2) at twice its width, sampled 1/2, 3/2, 5/2 and 7/2 pixels from the middle of a pair.
HALF_KERNEL = np.array([0.43359375, 0.11328125, -0.03515625, -0.01171875])
HALVING = np.concatenate([HALF_KERNEL[::-1], HALF_KERNEL])
# Names and shapes of the arrays in the file; the names are those of the authors' release.
PARAMETERS = {
    "mu_pris_param": (1, FEATURES),
    "cov_pris_param": (FEATURES, FEATURES),
    "gaussian_window": (7, 7),
}


def niqe(pixels: Array, parameters_path: str | Path) -> float | None:
    """Compute the distance of a picture from natural ones: about 2 to 5 for good photographs, more for damaged ones.

    Args:
        pixels: Grey or RGB (H, W, C) in [0, 1]; its `studio_luma` is rounded to 8-bit levels, as papers
            on super-resolution do.
        parameters_path: An .npz file with the published mu_pris_param (1, 36), cov_pris_param (36, 36) and
            gaussian_window (7, 7).

    Returns:
        Equation 10 of the paper; None for a picture without a block of 96 × 96 pixels, or with flat blocks only.

    Raises:
        UserError: The file is missing, damaged, or holds other numbers.
    """
    natural_mean, natural_covariance, window = _read_parameters(Path(parameters_path))
    height, width = (side // BLOCK * BLOCK for side in pixels.shape[:2])
    if not height or not width:
        return None
    levels = np.round(metrics.studio_luma(pixels)[:height, :width, 0] * metrics.LEVELS)
    features = [_features(normalised(levels, window), BLOCK)]
    features.append(_features(normalised(halved(levels), window), BLOCK // 2))
    rows = np.concatenate(features, axis=1)
    rows = rows[np.isfinite(rows).all(1)]
    if not len(rows):
        return None
    # A single block has no covariance.
    covariance = np.cov(rows, rowvar=False) if len(rows) > 1 else np.zeros_like(natural_covariance)
    difference = natural_mean[0] - rows.mean(0)
    return float(np.sqrt(difference @ np.linalg.pinv((natural_covariance + covariance) / 2) @ difference))


def normalised(levels: Array, window: Array) -> Array:
    """Subtract from luminance (H, W) its local mean, and divide by its local deviation plus one level (equation 1)."""
    mean = ndimage.correlate(levels, window, mode="nearest")
    variance = ndimage.correlate(levels**2, window, mode="nearest") - mean**2
    return (levels - mean) / (np.sqrt(np.abs(variance)) + SATURATION)


def halved(levels: Array) -> Array:
    """Halve a picture (H, W), with H and W even, by antialiased bicubic resizing with reflection at the border."""
    for axis in (0, 1):
        # The kernel has an even length; with a shift of one, output 2i lies between pixels 2i and 2i + 1.
        levels = ndimage.correlate1d(levels, HALVING, axis, mode="reflect", origin=-1)
        levels = levels[::2] if axis == 0 else levels[:, ::2]
    return levels


def asymmetric_fit(samples: Array) -> tuple[Array, Array, Array]:
    """Fit a generalised Gaussian with two widths by moments, along the last axis (Lasmar et al. 2009).

    The density is proportional to exp(−(|x| / β)^α), with β left for x < 0 and β right for x > 0.

    Args:
        samples: Samples, (…, N).

    Returns:
        Shape α, left width and right width, each (…); NaN if a side has no samples.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        power = samples**2
        left, right = (np.sqrt((power * side).sum(-1) / side.sum(-1)) for side in (samples < 0, samples > 0))
        skew = left / right
        ratio = np.abs(samples).mean(-1) ** 2 / power.mean(-1)
        ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    # Round to the grid's steps, as in the fits behind the published parameters; without it scores differ by 0.005.
    shape = np.round(np.interp(ratio, RATIOS, SHAPES), SHAPE_DECIMALS)
    width = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * width, right * width


def _features(normal: Array, side: int) -> Array:
    """Compute features (blocks, 18) of normalised luminance (H, W), cut into blocks of side × side pixels."""
    rows, columns = (length // side for length in normal.shape)
    blocks = normal.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(-1, side, side)
    shape, left, right = asymmetric_fit(blocks.reshape(len(blocks), -1))
    features = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:
        products = blocks * np.roll(blocks, shift, (1, 2))  # wraps around within the block, as in the authors' code
        shape, left, right = asymmetric_fit(products.reshape(len(blocks), -1))
        mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
        features += [shape, mean, left, right]
    return np.stack(features, axis=1)


def _read_parameters(path: Path) -> list[Array]:
    wanted = ", ".join(f"{name} {shape}" for name, shape in PARAMETERS.items())
    cure = f"name an .npz file with the published {wanted}"
    try:
        # Open the file here, since NumPy would leave its own handle open if the archive is damaged.
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = [np.asarray(file[name], np.float64) for name in PARAMETERS]
    except FileNotFoundError as error:
        raise UserError(f"the parameters of NIQE, {path}, do not exist: {cure}.") from error
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise UserError(f"{path} does not hold the parameters of NIQE, or it is damaged ({error}): {cure}.") from error
    if [array.shape for array in arrays] != list(PARAMETERS.values()):
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise UserError(f"{path} holds parameters of shapes {shapes}: {cure}.")
    return arrays

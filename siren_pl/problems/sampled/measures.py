"""Names and meanings of the metrics of samples, and which metrics each task is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from siren_pl.training.judge import Measure, Metrics

MEASURES = {
    "psnr": Measure("PSNR", "dB", "all pixels; 6 dB more halve the error"),
    "psnr_affine_aligned": Measure("PSNR up to a line", "dB", "brightness and contrast set to the truth's"),
    "psnr_mean_aligned": Measure(
        "PSNR up to a constant",
        "dB",
        "all pixels; derivatives leave each channel's mean open: on the given pixels it is set to the truth's first",
    ),
    "heldout_psnr": Measure("held-out PSNR", "dB", "of the pixels that no method was given"),
    "train_psnr": Measure("training PSNR", "dB", "the result, measured as the picture was, against what was measured"),
    "psnr_y": Measure("PSNR, luma", "dB", "brightness alone, without the border, as papers on enlarging compare it"),
    "ssim_y": Measure("SSIM, luma", "", "likeness of structure of the same; 1 is equal"),
    "ssim": Measure("SSIM", "", "likeness of structure; 1 is equal"),
    "inside_psnr": Measure("PSNR inside the mask", "dB", "against the direct solution"),
    "boundary_error": Measure("error on the mask's rim", "of 1", "against the target, which it has to meet", -1),
    "guidance_error": Measure(
        "error of the slopes", "of 1", "per pixel, against those asked for; 0 is out of reach", -1
    ),
    "gradient_psnr": Measure("PSNR of the gradient", "dB", "the field's exact one; peak: range of the target's"),
    "laplacian_psnr": Measure("PSNR of the Laplacian", "dB", "the field's exact one; peak: range of the target's"),
    "niqe": Measure("NIQE", "", "naturalness without a truth; smaller is better", -1),
}
# For fits to values: image_fit and a user's own tasks. Held-out pixels, if there are any, give the honest score.
OF_VALUES = ("heldout_psnr", "psnr_mean_aligned", "psnr", "train_psnr", "ssim", "gradient_psnr")


def shown(names: Sequence[str], measured: Metrics) -> Mapping[str, Measure]:
    """The named measures that were measured, without those that add nothing to the others."""
    # If every pixel was trained on, `train_psnr` repeats `psnr`; if a constant is open, plain `psnr` means nothing.
    left_out = {"train_psnr"} if measured.get("train_psnr") == measured.get("psnr") else set()
    left_out |= {"psnr"} & measured.keys() if "psnr_mean_aligned" in measured else set()
    return {name: MEASURES[name] for name in names if name in measured and name not in left_out}

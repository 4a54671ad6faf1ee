"""What the metrics of samples are called, what they say, and which of them a task is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from siren_pl.training.judge import Measure, Metrics

MEASURES = {
    "psnr": Measure("PSNR", "dB", "all pixels; 6 dB more halve the error"),
    "psnr_mean_aligned": Measure(
        "PSNR, mean aligned",
        "dB",
        "all pixels; derivatives leave each channel's mean open: on the given pixels it is set to the truth's first",
    ),
    "heldout_psnr": Measure("PSNR, unseen pixels", "dB", "those that no method was given"),
    "train_psnr": Measure("PSNR, data", "dB", "the result, measured as the picture was, against what was measured"),
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
# Of fits to values, image_fit and a user's own tasks: pixels that were kept away, where there are any, are the honest
# ones.
OF_VALUES = ("heldout_psnr", "psnr_mean_aligned", "psnr", "train_psnr", "ssim", "gradient_psnr")

OF_GRADIENTS = ("heldout_psnr", "psnr_mean_aligned", "ssim", "gradient_psnr")
OF_LAPLACIANS = ("heldout_psnr", "psnr_mean_aligned", "ssim", "laplacian_psnr")


def shown(names: Sequence[str], measured: Metrics) -> Mapping[str, Measure]:
    """The measures of these names that were measured, without those that say what another one says already."""
    # Where every pixel was trained on, they say nothing that `psnr` does not, nor does that where a constant is open.
    left_out = {"train_psnr"} if measured.get("train_psnr") == measured.get("psnr") else set()
    left_out |= {"psnr"} & measured.keys() if "psnr_mean_aligned" in measured else set()
    return {name: MEASURES[name] for name in names if name in measured and name not in left_out}

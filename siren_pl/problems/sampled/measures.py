"""Names and meanings of the metrics that all kinds of samples have in common. A task names those that it is about."""

from __future__ import annotations

from collections.abc import Mapping

from siren_pl.training.judge import Measure, Metrics

Measures = Mapping[str, Measure]

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
    "ssim": Measure("SSIM", "", "likeness of structure; 1 is equal"),
    "gradient_psnr": Measure("PSNR of the gradient", "dB", "the field's exact one; peak: range of the target's"),
    "laplacian_psnr": Measure("PSNR of the Laplacian", "dB", "the field's exact one; peak: range of the target's"),
}


def of_samples(*names: str) -> Measures:
    """The named measures of this table, which every kind of samples has."""
    return {name: MEASURES[name] for name in names}


# For fits to values: image_fit and a user's own tasks. Held-out samples, if there are any, give the honest score.
OF_VALUES = of_samples("heldout_psnr", "psnr_mean_aligned", "psnr", "train_psnr", "ssim", "gradient_psnr")


def shown(measures: Measures, measured: Metrics) -> Measures:
    """The measures that were measured, without those that add nothing to the others."""
    # If every pixel was trained on, `train_psnr` repeats `psnr`; if a constant is open, plain `psnr` means nothing.
    left_out = {"train_psnr"} if measured.get("train_psnr") == measured.get("psnr") else set()
    left_out |= {"psnr"} & measured.keys() if "psnr_mean_aligned" in measured else set()
    return {name: each for name, each in measures.items() if name in measured and name not in left_out}

"""Seconds and points until a training PSNR is reached: our defaults compared with the paper's recipe.

A tenth of the pixels is held out. Their PSNR is reported too, since it shows whether training PSNR comes at the cost of
ringing between the pixels. Only training steps are timed, without compilation.
"""

from __future__ import annotations

import time

import torch

from benchmarks.loops import compiled, configuration
from siren_pl.training.callbacks import quick_scores

LEVELS = (30, 35, 40, 45, 50)
# Number of steps after which the paper's recipe is stopped, and between two measurements of PSNR.
PAPER_STEPS, LOOKS = 1200, 60
RECIPES = {
    "default": (),
    "siren_scaled": ("init=siren_scaled",),
    "paper": ("experiment=paper/image_fit", "dataset=camera", f"trainer.max_steps={PAPER_STEPS}"),
}


def run(device: torch.device) -> dict[str, float]:
    """Measure seconds, points and held-out PSNR at every level that is reached, and the paper's time over ours."""
    results: dict[str, float] = {}
    for name, overrides in RECIPES.items():
        results |= {f"{name}/{key}": value for key, value in race(overrides, device).items()}
    for name in ("default", "siren_scaled"):
        for level in LEVELS:
            ours, paper = (results.get(f"{recipe}/seconds_to_{level}") for recipe in (name, "paper"))
            if ours and paper:
                results[f"{name}_vs_paper_{level}_dB"] = paper / ours
            elif ours:  # the paper's recipe was stopped before it reached this level
                results[f"{name}_vs_paper_{level}_dB_at_least"] = results["paper/seconds"] / ours
    return results


def race(overrides: tuple[str, ...], device: torch.device) -> dict[str, float]:
    """Run one recipe, and measure when it reaches each level."""
    config = configuration("dataset.size=256", "dataset.heldout=0.1", *overrides)
    plan, module, step = compiled(config, device)
    reached: dict[str, float] = {}
    seconds, recipe = 0.0, module.recipe
    points = recipe.batch_size or plan.problem.domain.measurements
    every = max(1, recipe.max_steps // LOOKS)
    for number in range(recipe.max_steps):
        start = time.perf_counter()
        step(number)
        seconds += time.perf_counter() - start
        if (number + 1) % every and number + 1 != recipe.max_steps:
            continue
        scores = quick_scores(module)
        trained = scores["eval/train_psnr"]
        for level in LEVELS:
            if trained >= level and f"seconds_to_{level}" not in reached:
                reached[f"seconds_to_{level}"] = seconds
                reached[f"points_to_{level}"] = float((number + 1) * points)
                reached[f"heldout_psnr_at_{level}"] = scores["eval/heldout_psnr"]
        print(f"{overrides} step {number + 1}: {seconds:.0f} s, {trained:.2f} dB", flush=True)
        reached |= {"seconds": seconds, "train_psnr": trained, "heldout_psnr": scores["eval/heldout_psnr"]}
    return reached

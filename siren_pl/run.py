"""One run from its configuration to its results: build, fit, judge, write down."""

from __future__ import annotations

import logging
import resource
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from siren_pl import build, loggers
from siren_pl import run_directory as directory_of
from siren_pl.judging import judge
from siren_pl.loggers import Job
from siren_pl.training import fitting
from siren_pl.training.checkpoints import LAST
from siren_pl.training.module import DivergenceError, FieldModule

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """How a run ended: its status and everything measured."""

    status: str
    metrics: dict[str, float]


def train(config: build.Plain, job: Job, started: float) -> Outcome:
    """Fit, judge and write a run directory; continues from its checkpoint if there is one.

    Args:
        config: Plain, resolved and validated.
        job: Where to write, and what to call it.
        started: `time.time()` at the start of the process or of the job.

    Raises:
        UserError: Bad input.
    """
    directory = job.directory
    # A run that was killed stays "running"; any other end overwrites this.
    directory_of.write_status(directory, directory_of.RUNNING)
    sinks: list = []
    figures: list[Path] = []
    outcome = Outcome(directory_of.FAILED, {})
    exit_code = 1
    try:
        module = build.module(config)
        chosen = build.settled(config, module.signal)
        say_settled(module, chosen)
        job = replace(job, config=config | {"settled": chosen})
        sinks = loggers.make(config["logger"], job)
        outcome, figures = _fit_and_judge(module, config, job, sinks, started)
        exit_code = 0 if outcome.status == directory_of.FINISHED else 1
        return outcome
    except KeyboardInterrupt:
        outcome = Outcome(directory_of.INTERRUPTED, {})
        exit_code = 130
        raise
    except SystemExit:
        outcome = Outcome(directory_of.INTERRUPTED, {})
        exit_code = 143
        raise
    finally:
        directory_of.write_status(directory, outcome.status)
        loggers.finish(sinks, outcome.metrics, figures, exit_code)


def is_done(config: build.Plain, directory: Path) -> bool:
    """Whether a run has finished with as many steps as the configuration asks for."""
    steps = directory_of.read_metrics(directory).get("steps", 0)
    if directory_of.read_status(directory) != directory_of.FINISHED:
        return False
    return steps >= build.recipe(config, build.signal(config)).max_steps


def _fit_and_judge(
    module: FieldModule, config: build.Plain, job: Job, sinks: list, started: float
) -> tuple[Outcome, list[Path]]:
    directory = job.directory
    try:
        fitting.run(module, build.machine(config), directory / "checkpoints", sinks)
    except DivergenceError as divergence:
        last = dict(module.history[-1]) if module.history else {}
        metrics = {"diverged": 1.0, "diverged_step": float(divergence.step), **_plain_names(last)}
        directory_of.write_metrics(directory, metrics | _costs(module, started))
        log.error(
            "%s diverged: %s. The last finite state is in %s; try a lower optimizer.lr or model.omega_0.",
            job.task,
            divergence,
            directory / "checkpoints" / LAST,
        )
        return Outcome(directory_of.DIVERGED, metrics), []
    network = module.network.float().cpu()
    judgement = judge(network, module.task, module.signal, module.derivatives, build.baselines(config))
    figures = judgement.draw(directory / "figures", module.history) if config["figures"] else []
    picture = judgement.save_picture(directory / "predictions" / f"{module.signal.name}.png")
    metrics = judgement.metrics | _costs(module, started) | {"diverged": 0.0}
    directory_of.write_metrics(directory, metrics)
    report(metrics, [*figures, picture], job)
    return Outcome(directory_of.FINISHED, metrics), figures


def say_settled(module: FieldModule, chosen: build.Plain) -> None:
    """Log what `auto` came to, so that nobody has to guess."""
    recipe, signal = module.recipe, module.signal
    parameters = sum(parameter.numel() for parameter in module.network.parameters())
    points = "all points" if recipe.batch_size is None else f"{recipe.batch_size} points"
    size = " x ".join(map(str, signal.shape))
    omega = chosen["model"].get("omega_0")
    log.info(
        "%s: %s (%s, %d channels), %d parameters%s, %d steps of %s, learning rate %.2g",
        module.task.name,
        signal.name,
        size,
        signal.out_features,
        parameters,
        "" if omega is None else f", omega_0 {omega:.3g}",
        recipe.max_steps,
        points,
        chosen["lr"],
    )


def _plain_names(row: dict[str, float]) -> dict[str, float]:
    """A row of the curve as metrics: `eval/psnr` is `psnr`, and so on."""
    return {name.removeprefix("eval/"): value for name, value in row.items() if name != "step"}


def _costs(module: FieldModule, started: float) -> dict[str, float]:
    """What the run took."""
    recipe = module.recipe
    steps = module.steps_done
    observed = module.signal.observed_count
    points = min(recipe.batch_size or observed, observed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    if torch.cuda.is_available():
        memory = max(memory, torch.cuda.max_memory_allocated() / 2**20)
    return {
        "steps": float(steps),
        "points": float(steps * points),
        "parameters": float(sum(parameter.numel() for parameter in module.network.parameters())),
        "wall_s": time.time() - started,
        "peak_memory_mb": memory,
    }


# The first figures to look at, in this order; the rest is in metrics.json.
_HEADLINES = ("psnr", "psnr_mean_aligned", "heldout_psnr", "ssim", "gradient_psnr", "laplacian_psnr", "wall_s")


def report(metrics: dict[str, float], pictures: list[Path], job: Job) -> None:
    """Say how it went and where to look."""
    from rich.console import Console
    from rich.table import Table

    table = Table("", "field", *_baseline_names(metrics), title=job.title, title_justify="left")
    for name in _HEADLINES:
        if name in metrics:
            cells = [metrics.get(f"baseline/{baseline}/{name}") for baseline in _baseline_names(metrics)]
            table.add_row(
                name,
                *(
                    "" if value is None else f"{value:.3g}" if name == "ssim" else f"{value:.2f}"
                    for value in (metrics[name], *cells)
                ),
            )
    console = Console(stderr=True)
    console.print(table)
    for path in [job.directory / "metrics.json", *pictures]:
        console.print(f"  {path}", soft_wrap=True, highlight=False)
    if job.config.get("logger", {}).get("name") == "wandb":
        console.print(f"  wandb leet {job.config['logger']['directory']}/wandb", highlight=False)


def _baseline_names(metrics: dict[str, float]) -> list[str]:
    return list(dict.fromkeys(name.split("/")[1] for name in metrics if name.startswith("baseline/")))

"""One run from its configuration to its results: build, fit, judge, write down."""

from __future__ import annotations

import logging
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from siren_pl.problems.pictures.judging import judge
from siren_pl.runs import build, identity, loggers, many
from siren_pl.runs import directory as directory_of
from siren_pl.runs.job import Job
from siren_pl.runs.layer_statistics import after_training, before_training
from siren_pl.runs.result_table import report
from siren_pl.runs.results import Outcome, costs, leave, of_divergence, say_settled
from siren_pl.training import fitting
from siren_pl.training.attempts import attempt
from siren_pl.training.checkpoints import LAST
from siren_pl.training.meter import Meter
from siren_pl.training.module import DivergenceError, FieldModule

log = logging.getLogger(__name__)


def train(config: build.Plain, job: Job, started: float) -> Outcome:
    """Fit, judge and write a run directory; continues from its checkpoints if there are any.

    Args:
        config: Plain, resolved and validated.
        job: Where to write, and what to call it.
        started: `time.time()` at the start of the process or of the job.

    Raises:
        UserError: Bad input.
    """
    directory, meter = job.directory, Meter(job.directory, started)
    # A run that was killed stays "running"; any other end overwrites this.
    directory_of.write_status(directory, directory_of.RUNNING)
    sinks: list = []
    figures: list[Path] = []
    outcome = Outcome(directory_of.FAILED, {})
    exit_code = 1
    try:
        plans = identity.opened(config, directory)
        identity.keep(plans, directory)
        job = replace(job, config=_told(config) | {"settled": asdict(plans[0].settled)})
        if not build.is_set(config):
            module = build.module(plans)
            say_settled(module, plans[0].settled)
            sinks = loggers.make(config["logger"], job)
            outcome, figures = _fit_and_judge(module, plans[0], job, sinks, meter)
        else:
            sinks = loggers.make(config["logger"], job)
            outcome, figures = many.train(config, plans, job, sinks, meter)
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
        meter.note()
        directory_of.write_status(directory, outcome.status)
        loggers.finish(sinks, outcome.metrics, figures, exit_code)


def is_done(config: build.Plain, directory: Path) -> bool:
    """Whether a run has finished with as many steps as the configuration asks for."""
    if directory_of.read_status(directory) != directory_of.FINISHED:
        return False
    plans = identity.opened(config, directory)
    if build.is_set(config):
        return many.are_done(plans, directory)
    return directory_of.read_metrics(directory).get("steps", 0) >= plans[0].settled.max_steps


def _told(config: build.Plain) -> build.Plain:
    """What loggers are told of a configuration: its values, without what they may be."""
    kept = {key: value for key, value in config.items() if key != "rules"}
    return {key: _told(value) if isinstance(value, dict) else value for key, value in kept.items()}


def _fit_and_judge(
    module: FieldModule, plan: build.Plan, job: Job, sinks: list, meter: Meter
) -> tuple[Outcome, list[Path]]:
    config, signal = plan.config, plan.signal
    directory, machine = job.directory, build.machine(config)
    # Before the fit loads a checkpoint: the weights are the first ones, in a resumed run as well.
    initial = before_training(module.fields.split()[0].network, signal) if config["layer_statistics"] else None
    try:
        fitting.run(module, machine, directory / "checkpoints", sinks, meter)
    except DivergenceError as divergence:
        metrics = of_divergence(module, divergence.step, meter, machine.devices)
        directory_of.write_metrics(directory, metrics)
        log.error(
            "%s diverged: %s. The last finite state is in %s; try a lower optimizer.lr or model.omega_0.",
            job.task,
            divergence,
            directory / "checkpoints" / LAST,
        )
        return Outcome(directory_of.DIVERGED, metrics), []
    network = module.fields.split()[0].network.float().cpu()
    judgement = judge(network, plan.problem, signal, module.derivatives[module.fields.bundle.leading], {})
    spent = partial(costs, module, meter, machine.devices)
    metrics, picture = leave(judgement, directory, build.baselines(config), spent)
    after_training(initial, network, signal, directory)
    figures = judgement.draw(directory / "figures", module.history) if config["figures"] else []
    with attempt("the table of results"):
        report(metrics, [*figures, picture], job)
    return Outcome(directory_of.FINISHED, metrics), figures

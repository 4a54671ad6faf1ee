"""A run of one signal or of a set: builds, fits, writes down and judges one chunk of signals after another."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from siren_pl import plots
from siren_pl.runs import build, identity, loggers
from siren_pl.runs import directory as directory_of
from siren_pl.runs.attempts import attempt
from siren_pl.runs.costs import costs, of_divergence, say_settled
from siren_pl.runs.layer_statistics import after_training, before_training
from siren_pl.runs.leave import Left, draw, leave
from siren_pl.runs.meter import Meter
from siren_pl.runs.run_info import RunInfo
from siren_pl.runs.signals import Chunk, chunks, hand_out, homes_of, summed_up, write_table
from siren_pl.runs.summary import print_summary
from siren_pl.training import fitting
from siren_pl.training.callbacks import remind
from siren_pl.training.checkpoints import LAST, read_checkpoint
from siren_pl.training.fields import ask_of
from siren_pl.training.judge import Metrics, Result
from siren_pl.training.module import DivergenceError, FieldModule

log = logging.getLogger(__name__)

# Sounds, videos and meshes; pictures of results are among the figures.
MEDIA = (".wav", ".mp4", ".gif", ".glb")


def train(config: build.Plain, info: RunInfo, started: float) -> str:
    """Fit, judge and write a run directory, continuing from its checkpoints if there are any.

    Args:
        config: The configuration, plain, resolved and validated.
        info: Where to write, and what to call the run.
        started: `time.time()` at the start of the process or of the job.

    Returns:
        How the run ended, as in its file `status`.

    Raises:
        UserError: Bad input.
    """
    directory, meter = info.directory, Meter(info.directory, started)
    # A run that was killed stays "running"; any other end overwrites this.
    directory_of.write_status(directory, directory_of.RUNNING)
    run = Run(config, info, meter)
    status, exit_code = directory_of.FAILED, 1
    try:
        run.go()
        diverged = run.metrics.get("diverged")
        status, exit_code = (directory_of.DIVERGED, 1) if diverged else (directory_of.FINISHED, 0)
        return status
    except KeyboardInterrupt:
        status, exit_code = directory_of.INTERRUPTED, 130
        raise
    except SystemExit:
        status, exit_code = directory_of.INTERRUPTED, 143
        raise
    finally:
        meter.note()
        directory_of.write_status(directory, status)
        ended = status in (directory_of.FINISHED, directory_of.DIVERGED)
        shown = [*run.figures, *run.media] if ended else []
        loggers.finish(run.sinks, run.metrics if ended else {}, shown, exit_code)


def is_done(config: build.Plain, directory: Path) -> bool:
    """Whether a run has finished the number of steps that the configuration asks for."""
    if directory_of.read_status(directory) != directory_of.FINISHED:
        return False
    return all(chunk.is_done for chunk in chunks(config, identity.opened(config, directory), directory))


def _told(config: build.Plain) -> build.Plain:
    """The part of a configuration that loggers receive: its values without their rules."""
    kept = {key: value for key, value in config.items() if key != "rules"}
    return {key: _told(value) if isinstance(value, dict) else value for key, value in kept.items()}


class Run:
    """A run under way.

    Attributes:
        metrics: All metrics, once they have been measured.
        figures: Files of the figures that were drawn.
        media: Files of the results that play in time or turn in space, which loggers show beside the figures.
        sinks: Loggers that receive the curve; they are opened once the first module has been built.
    """

    def __init__(self, config: build.Plain, info: RunInfo, meter: Meter) -> None:
        self._config, self._info, self._meter = config, info, meter
        self.metrics: Metrics = {}
        self.figures: list[Path] = []
        self.media: list[Path] = []
        self.sinks: list[Any] = []

    def go(self) -> None:
        """Fit and judge every chunk of signals, then sum up."""
        directory = self._info.directory
        plans = identity.opened(self._config, directory)
        identity.keep(plans, directory)
        self._info = replace(self._info, config=_told(self._config) | {"settled": asdict(plans[0].settled)})
        parts = chunks(self._config, plans, directory)
        for number, chunk in enumerate(parts):
            if chunk.is_done:
                self._remind(chunk)
                continue
            if len(parts) > 1:
                log.info("chunk %d of %d", number + 1, len(parts))
            self._take(chunk)
        if build.is_set(self._config):
            self._sum_up(plans)

    def _open(self) -> list[Any]:
        if not self.sinks:
            self.sinks = loggers.make(self._config["logger"], self._info)
        return self.sinks

    def _remind(self, chunk: Chunk) -> None:
        """Send loggers the curve of a chunk that an earlier start has finished."""
        if (chunk.place / LAST).is_file():
            remind(read_checkpoint(chunk.place / LAST)["siren_pl"]["history"], self._open())

    def _take(self, chunk: Chunk) -> None:
        """Fit a chunk and write down the results of its signals."""
        module = build.module(chunk.plans)
        say_settled(module, chunk.plans[0].settled)
        # Loggers are opened only after the module has been built.
        sinks, first = self._open(), chunk.plans[0].problem
        # Before the fit loads a checkpoint, so that these are the initial weights in a resumed run too. All fields of
        # a chunk start from the same ones.
        wanted = self._config["layer_statistics"]
        initial = before_training(module.fields.split()[0].network, first) if wanted else None
        self._fit(module, chunk, sinks)
        if chunk.is_of_a_set:
            hand_out(chunk, module.fields.bundle)
        for index, (plan, home, bundle) in enumerate(zip(chunk.plans, chunk.homes, module.fields.split(), strict=True)):
            spent = partial(costs, module, self._meter, self._config["trainer"]["devices"], index)
            if index in module.diverged:
                left, metrics = None, of_divergence(module, index) | spent()
                directory_of.write_metrics(home, metrics)
                log.error("%s diverged at step %d", plan.problem.data, module.diverged[index])
            else:
                answer = plan.problem.answer(ask_of(bundle.float().cpu(), module.derivatives))
                left = leave(plan.problem.judge, answer, build.rivals(plan), home, home / "predictions", spent)
                metrics = left.metrics
                after_training(initial, bundle.network, plan.problem, home)
            if chunk.is_of_a_set:
                ended = directory_of.DIVERGED if metrics.get("diverged") else directory_of.FINISHED
                directory_of.write_status(home, ended)
            else:
                self._end(left, metrics, module, chunk)
        if chunk.is_of_a_set:
            self._draw_curve(module, chunk)

    def _fit(self, module: FieldModule, chunk: Chunk, sinks: list[Any]) -> None:
        """Fit a chunk; afterwards the module records which of its signals diverged."""
        try:
            machine = build.machine(self._config)
            machine = replace(machine, callbacks=(*machine.callbacks, self._meter))
            fitting.run(module, machine, chunk.place, sinks)
        except DivergenceError as divergence:
            told = "%s diverged: %s. The last finite state is in %s; try a lower optimizer.lr or model.omega_0."
            log.error(told, self._info.task, divergence, chunk.place / LAST)
            # Spawned processes report only the last step to this one.
            module.diverged = dict.fromkeys(range(len(chunk.plans)), divergence.step) | module.diverged

    def _draw_curve(self, module: FieldModule, chunk: Chunk) -> None:
        if self._config["figures"] and module.history:
            with attempt(f"figures/{chunk.curve}"):
                self.figures.append(plots.curve(module.history, self._info.directory / "figures" / chunk.curve))

    def _end(self, left: Left | None, metrics: Metrics, module: FieldModule, chunk: Chunk) -> None:
        """End a run of one signal, whose field can still be drawn."""
        self.metrics = metrics
        if left is None:
            return
        self.media = [file for file in left.files if file.suffix in MEDIA]
        self._draw_curve(module, chunk)
        if self._config["figures"]:
            self.figures += draw(left, self._info.directory / "figures")
        with attempt("the table of results"):
            print_summary(metrics, left.findings.measures, [*self.figures, *left.files], self._info)

    def _sum_up(self, plans: Sequence[build.Plan]) -> None:
        """End a set, whose results are read from the directories of its signals."""
        directory = self._info.directory
        homes = homes_of(plans, directory)
        rows = {home.name: directory_of.read_metrics(home) for home in homes}
        measures = next(filter(None, map(directory_of.read_measures, homes)), {})
        self.metrics, measures = summed_up(rows, measures)
        directory_of.write_measures(directory, measures)
        directory_of.write_metrics(directory, self.metrics)
        table = write_table(rows, directory / "signals.csv")
        if self._config["figures"]:
            with attempt("figures/signals.png"):
                self.figures[:0] = self._sheet(plans, homes)
        with attempt("the table of results"):
            print_summary(self.metrics, measures, [table, *self.figures], self._info)

    def _sheet(self, plans: Sequence[build.Plan], homes: Sequence[Path]) -> list[Path]:
        results = [
            Result(plan.problem.judge, sorted(home.glob("predictions/*")), directory_of.read_metrics(home))
            for plan, home in zip(plans, homes, strict=True)
        ]
        path = self._info.directory / "figures" / "signals.png"
        results[0].judge.sheet(results, path)
        return [path] if path.is_file() else []

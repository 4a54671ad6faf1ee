"""A bare training loop for timing: the steps of a FieldModule without Lightning."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from siren_pl.problems.sampled.signal import SampledSignal
from siren_pl.runs import build
from siren_pl.runs.keys import conf_directory
from siren_pl.training.module import FieldModule


def configuration(*overrides: str) -> build.Plain:
    """The configuration that `train.py` composes from these overrides."""
    from hydra import compose, initialize_config_dir

    with initialize_config_dir(str(conf_directory()), version_base="1.3"):
        return build.plain(compose("train", ["logger=none", *overrides]))


def stepper(module: FieldModule, device: torch.device) -> Callable[[int], None]:
    """Prepare a module as a fit does, and return a function that takes one step."""
    module.to(device)
    optimizers = module.configure_optimizers()
    module.optimizers = lambda use_pl_optimizer=True: optimizers  # there is no Trainer to ask for them
    module.prepare()

    def make(step: int) -> None:
        module._advance(step)

    return make


def compiled(config: build.Plain, device: torch.device) -> tuple[build.Plan, FieldModule, Callable[[int], None]]:
    """What a configuration fits, from its start, with a function that takes one step and has been compiled."""
    plan = build.plan(config)
    module = build.module([plan])
    stepper(module, device)(0)  # compiles
    module.load_state_dict(build.module([plan]).state_dict())
    return plan, module, stepper(module, device)


def noise(count: int, side: int = 32, channels: int = 3) -> Sequence[SampledSignal]:
    """Make signals of CIFAR's size from noise; the values do not affect timings."""
    generator = torch.Generator().manual_seed(0)
    return [SampledSignal(torch.rand(side, side, channels, generator=generator) * 2 - 1) for _ in range(count)]

"""Whether the loss is compiled: decided once, said aloud, kept for the life of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch

log = logging.getLogger(__name__)

# Measured on two CPU cores: compiling a SIREN's loss takes 10–25 s and saves about a quarter of each step, so it pays
# for itself once a run works through this many point-steps of a 198,401-parameter network.
WORTHWHILE_WORK = 3.0e6
REFERENCE_PARAMETERS = 198_401


class Compilation:
    """Compile a function, or not; a compiler that is missing or fails is reported once and done without.

    Attributes:
        chosen: True or False once settled, None before. A resumed run is given the earlier choice.
    """

    def __init__(self, wanted: bool | None, work: float) -> None:
        """`wanted` None decides by `work`: points × steps × streams × parameters / 198,401 of the run."""
        self.chosen = wanted
        self._work = work

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function to call instead of `function`."""
        if self.chosen is None:
            self.chosen = self._work > WORTHWHILE_WORK
            log.info("compile=auto chose %s for this run's length", str(self.chosen).lower())
        if not self.chosen:
            return function
        # The jobs of a sweep share a process, and torch refuses to compile one piece of code for a ninth module.
        torch.compiler.reset()
        # dynamic=False: every batch of a run has one shape.
        compiled = torch.compile(function, fullgraph=True, dynamic=False)

        def call(*args: Any) -> Any:
            if not self.chosen:
                return function(*args)
            try:
                return compiled(*args)
            except Exception as error:
                if not type(error).__module__.startswith("torch._"):
                    raise
                reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
                log.warning("the loss could not be compiled and runs uncompiled: %s", reason)
                self.chosen = False
                return function(*args)

        return call

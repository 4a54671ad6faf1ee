"""The choice whether to compile the loss: it is made once, logged, and kept for the life of a run."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import torch

log = logging.getLogger(__name__)

# On two CPU cores, compiling a SIREN's loss takes 10–25 s and saves about a quarter of a step for values. It therefore
# pays for itself once a run evaluates a network of 198,401 parameters at this many points, summed over its steps. What
# is saved are passes over activations, whose number is, at equal depth, as the root of that of the parameters.
WORTHWHILE_WORK = 3.0e6
REFERENCE_PARAMETERS = 198_401


class Compilation:
    """Compile a function or leave it as it is; if the compiler is missing or fails, report that once and go on without.

    Attributes:
        chosen: True or False once the choice is made, None before. A resumed run gets the earlier choice.
    """

    def __init__(self, wanted: bool | None, work: float) -> None:
        """Take the user's choice, or None to choose by the work of the run.

        Args:
            wanted: Whether to compile; None to compile if the work is worth it.
            work: Points × steps × streams × √(parameters / 198,401) of the run.
        """
        self.chosen = wanted
        self._work = work

    def wrap(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function to call instead of `function`."""
        if self.chosen is None:
            self.chosen = self._work > WORTHWHILE_WORK
            log.info("compile=auto chose %s for this run's length", str(self.chosen).lower())
        if not self.chosen:
            return function
        # The jobs of a sweep share a process, and torch refuses to compile the same code for more than eight modules.
        torch.compiler.reset()
        # All batches of a run have the same shape, hence dynamic=False.
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

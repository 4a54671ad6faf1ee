"""The contents of a checkpoint other than weights and optimisers: plain containers, so that loading runs no code."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from siren_pl.errors import UserError

if TYPE_CHECKING:
    from siren_pl.training.module import FieldModule

# The key of these contents in a checkpoint.
KEPT = "siren_pl"


def kept_of(module: FieldModule) -> dict[str, Any]:
    """Collect the curve, the choices made at run time, the domains, and the tables that were refreshed."""
    problem = module.fields.problem
    refreshed = {name for name, term in problem.terms.items() if term.refresh_every}
    return {
        "history": module.history,
        "losses_by_signal": module.losses_by_signal,
        "diverged": module.diverged,
        "names": [each.data for each in module.fields.problems],
        "compile": module.compilation.chosen,
        "phases": module.phase_ends,
        "domains": {name: asdict(domain) for name, domain in problem.fields.items()},
        "tables": {name: points for name, points in module.tables.items() if name in refreshed},
    }


def restore(module: FieldModule, checkpoint: dict[str, Any]) -> None:
    """Restore the curve, the choices and the tables, so that the run continues with them.

    Raises:
        UserError: The checkpoint holds the fields of other signals.
    """
    kept = checkpoint[KEPT]
    names = [problem.data for problem in module.fields.problems]
    if len(names) > 1 and names != kept["names"]:
        raise UserError(
            f"the checkpoint holds fields of {', '.join(kept['names'])}, now there are {', '.join(names)}: "
            "restore its files, or start a new run."
        )
    module.history, module.losses_by_signal, module.diverged = (
        list(kept["history"]),
        list(kept["losses_by_signal"]),
        dict(kept["diverged"]),
    )
    module.steps_done = checkpoint["global_step"]
    module.compilation.chosen = kept["compile"]
    # If the run is now longer, only its last phase is.
    module.phase_ends = [*kept["phases"][:-1], module.recipe.max_steps]
    module.kept_tables = kept["tables"]

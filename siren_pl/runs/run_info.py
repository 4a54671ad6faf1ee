"""A run's names and directory: all that a logger says about it besides its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class RunInfo:
    """What a logger says about a run besides its numbers.

    Attributes:
        directory: The run directory.
        task: Name of the task; W&B's job type.
        model: Name of the model.
        group: The sweep this run belongs to, or its own name.
        overrides: Overrides typed on the command line.
        config: The resolved configuration.
    """

    directory: Path
    task: str = "run"
    model: str = "model"
    group: str | None = None
    overrides: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """A readable name made of the model and the overrides."""
        parts = [self.model, *(o for o in self.overrides if not o.startswith(("model=", "task=", "hydra.", "logger")))]
        return " ".join(parts)

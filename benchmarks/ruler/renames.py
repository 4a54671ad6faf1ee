"""What the base calls otherwise than the head: filled by the change that renames, emptied when the base has it too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Renames:
    """The base's word -> the head's, by kind.

    Attributes:
        keys: Of the command line: a key, a node with all keys beneath it (`task` -> `recipe`), or a whole override
            (`model=old` -> `model=new`). Cases are written in the head's words.
        metrics: Names in metrics.json and columns of tables: whole names, or a part between slashes.
        weights: Beginnings of names in a checkpoint's `state_dict`.
        files: Beginnings of paths in a case's directory.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def for_base(self, argument: str) -> str:
        """An argument of a case as the base's command line knows it."""
        plus = argument[: len(argument) - len(argument.lstrip("+"))]
        bare = argument.removeprefix(plus)
        for old, new in self.keys.items():
            if bare == new:
                return plus + old
            if bare.startswith((f"{new}=", f"{new}.")):
                return plus + old + bare.removeprefix(new)
        return argument

    def metric(self, name: str) -> str:
        """A metric of the base as the head names it."""
        if name in self.metrics:
            return self.metrics[name]
        return "/".join(self.metrics.get(part, part) for part in name.split("/"))

    def weight(self, name: str) -> str:
        """A tensor of the base as the head names it."""
        return _begun(name, self.weights)

    def file(self, path: str) -> str:
        """A file of the base as the head names it."""
        return _begun(path, self.files)


def _begun(text: str, beginnings: Mapping[str, str]) -> str:
    for old, new in beginnings.items():
        if text.startswith(old):
            return new + text.removeprefix(old)
    return text


SINCE_BASE = Renames(
    keys={f"task.{key}": f"recipe.{key}" for key in ("lr", "passes", "fewest_steps", "batch_size", "clip")}
)

"""Renames: names that differ between base and head. The renaming change adds them; remove them once the base has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Renames:
    """Names in the base and the corresponding names in the head, by kind.

    Attributes:
        keys: On the command line: a key, a node with all keys below it (`task` -> `recipe`), or a whole override
            (`model=old` -> `model=new`). Cases use the head's names.
        metrics: In metrics.json and columns of tables: whole names, or a part between slashes.
        weights: Prefixes of names in a checkpoint's `state_dict`.
        files: Prefixes of paths in a case's directory.
    """

    keys: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def for_base(self, argument: str) -> str:
        """Translate an argument of a case for the base's command line."""
        plus = argument[: len(argument) - len(argument.lstrip("+"))]
        bare = argument.removeprefix(plus)
        for old, new in self.keys.items():
            if bare == new:
                return plus + old
            if bare.startswith((f"{new}=", f"{new}.")):
                return plus + old + bare.removeprefix(new)
        return argument

    def metric(self, name: str) -> str:
        """Translate the name of a metric of the base to that in the head."""
        if name in self.metrics:
            return self.metrics[name]
        return "/".join(self.metrics.get(part, part) for part in name.split("/"))

    def weight(self, name: str) -> str:
        """Translate the name of a tensor of the base to that in the head."""
        return _begun(name, self.weights)

    def file(self, path: str) -> str:
        """Translate the path of a file of the base to that in the head."""
        return _begun(path, self.files)


def _begun(text: str, beginnings: Mapping[str, str]) -> str:
    for old, new in beginnings.items():
        if text.startswith(old):
            return new + text.removeprefix(old)
    return text


SINCE_BASE = Renames()

"""A signal is identified by its name and content: a run records both, and continues and is judged on that signal only.

A file's number in a folder may denote another file as soon as one is added. So a run keeps in `signals.json`, for each
of its signals, the name, the file's path below the folder and the SHA-256 of that file; later starts find the file by
its path, not by its number, and refuse different content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NoReturn

from siren_pl.errors import UserError
from siren_pl.runs import build, kept_data
from siren_pl.runs import directory as directory_of

FILE = "signals.json"
# Other files that affect what is measured of a picture and what is wanted of it.
_OTHERS = (("dataset", "reference"), ("task", "mask"), ("task", "sources"))


@dataclass(frozen=True)
class Identity:
    """Which signal a field was fitted to.

    Attributes:
        name: The signal's name.
        index: Its number at the time; None if it has none.
        place: Its file's path below the folder from which it was chosen by number; None if it was not.
        sha256: The hash of its file under the key `dataset`, and of other files under the keys that name them; empty if
            there are no files.
    """

    name: str
    index: int | None
    place: str | None
    sha256: dict[str, str]

    def __post_init__(self) -> None:
        """Refuse wrong types, which a stranger's file may hold: number and place go into the configuration."""
        wanted = (self.name, str), (self.index, int | None), (self.place, str | None), (self.sha256, dict)
        if not all(isinstance(value, kind) for value, kind in wanted):
            raise TypeError(f"{self} has values of other types")


def opened(config: build.Plain, directory: Path, differs: Callable[[str], None] | None = None) -> list[build.Plan]:
    """Plan each signal of a run; if the run has begun before, these are the signals that it began with.

    Args:
        config: The run's configuration.
        directory: The run's directory.
        differs: Called with a paragraph if a signal has changed; raises it as a UserError by default.

    Raises:
        UserError: A file is gone or has changed.
    """
    known = read(directory)
    configs = [_aimed(config, each) for each in known] or build.members(config) or [config]
    data = kept_data.read(config, directory, bool(known)) if differs is None else None
    plans = [build.plan(each, data) for each in configs]
    for each, plan in zip(known, plans, strict=bool(known)):
        if different := _difference(each, _identity(plan)):
            (differs or _refuse)(f"{directory} was fitted to another {each.name}: {different}.")
    return plans


def keep(plans: Sequence[build.Plan], directory: Path) -> None:
    """Record which signals these are, unless a run in this directory has done so before."""
    if not (directory / FILE).is_file():
        kept_data.keep(plans[0].problem, directory)
        kept = [asdict(_identity(plan)) for plan in plans]
        directory_of.write_text(directory / FILE, json.dumps(kept, indent=2) + "\n")


def read(directory: Path) -> list[Identity]:
    """The signals that a run began with; empty if it did not begin, or if its version did not record them.

    Raises:
        UserError: The file is damaged.
    """
    path = directory / FILE
    if not path.is_file():
        return []
    try:
        return [Identity(**each) for each in json.loads(path.read_text())]
    except (ValueError, TypeError, OSError) as error:
        raise UserError(f"{path} is damaged: restore it, or delete it if the data are as they were.") from error


def _refuse(paragraph: str) -> NoReturn:
    raise UserError(
        f"{paragraph} Put the file back as it was, or start a new run; evaluate.py scores a field on another picture "
        "where dataset.path=FILE names it."
    )


def _aimed(config: build.Plain, known: Identity) -> build.Plain:
    """The configuration of one signal, with its file named by place unless another number was asked for."""
    own = build.at_index(config, known.index) if build.is_set(config) and known.index is not None else config
    by_number = known.place is not None and own["dataset"].get("index") == known.index
    return build.from_place(own, known.place) if by_number else own


def _identity(plan: build.Plan) -> Identity:
    config, origin = plan.config, plan.problem.origin
    index = config["dataset"].get("index")
    files = {"dataset": origin.path} if origin.path else {}
    for group, key in _OTHERS if plan.problem.keeps is None else ():  # what the run keeps cannot change
        given = config[group].get(key)
        for number, name in enumerate([given] if isinstance(given, str) else given or []):
            files |= {f"{group}.{key}.{number}": Path(name)} if Path(name).is_file() else {}
    return Identity(
        plan.problem.data,
        index if isinstance(index, int) else None,
        origin.place,
        {key: _sha256(path) for key, path in files.items()},
    )


def _sha256(path: Path) -> str:
    """The hash of a file, or of the names and contents of the files of a folder.

    Hidden files do not count, since a file manager leaves its own (`.DS_Store`) wherever a user has a look.
    """
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))
        listed = "".join(f"{each.name}\n{_sha256(each)}\n" for each in files)
        return hashlib.sha256(listed.encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _difference(known: Identity, now: Identity) -> str:
    """Describe what has changed about a signal; empty if nothing has."""
    if known.name != now.name:
        return f"here is {now.name}"
    for key in known.sha256.keys() | now.sha256.keys():
        before, after = (each.sha256.get(key, "nothing") for each in (known, now))
        if before != after:
            return f"the SHA-256 of the file of {key} was {before[:12]} and is now {after[:12]}"
    return ""

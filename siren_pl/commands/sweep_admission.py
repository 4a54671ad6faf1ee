"""Before a stored sweep is continued, every job is composed as Hydra will compose it and checked like a stored run.

From its own part of a configuration Hydra makes objects, opens logs and sets environment variables. Of that part a
stored sweep may therefore change only what defines the jobs; the rest must be as shipped, or typed by the user.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from siren_pl.commands.composition import job, jobs_of, quoted, whole
from siren_pl.commands.launchers import EXTRAS
from siren_pl.errors import UserError
from siren_pl.runs import keys as checks
from siren_pl.runs import stored
from siren_pl.runs.claims import flat
from siren_pl.runs.sweeps import STARTED

# Parts of Hydra's configuration that may differ from the shipped one: the overrides, the jobs, Hydra's own findings.
_FREE = ("overrides.", "runtime.", "job.override_dirname", "sweeper.params", "mode", "verbose", "searchpath")
# The parts that Hydra copies from the overrides, which are checked separately; the others it may resolve.
_COPIED = ("overrides.", "job.override_dirname")
# A launcher's numbers are free too, such as how many jobs run at once; its texts may be paths or commands.
_LAUNCHER = "launcher."


def require_harmless(
    recorded: Sequence[str], typed: Sequence[str], source: str | None, directory: Path, packages: tuple[str, ...]
) -> set[str | None]:
    """Refuse to continue a sweep that would do anything besides fitting fields.

    Args:
        recorded: Overrides from the sweep's files.
        typed: Overrides that follow them: the command line's and our own.
        source: Directory of configuration files that the sweep was started with, if any.
        directory: The sweep's directory.
        packages: The reader's own packages that the sweep's configurations may name.

    Returns:
        Every `logger.directory` of the jobs, with None for a job that has none; empty if the key was typed.

    Raises:
        UserError: Naming what was refused and how to admit it.
    """
    for override in (source or "", *recorded):
        # A flag of Hydra's may load a pickle; a search path adds configurations that it reads.
        if override.startswith("-") or "hydra.searchpath" in override.partition("=")[0]:
            raise _refusal(directory, override.partition("=")[0])
    stored.require_closed(recorded)
    places_typed = any(override.partition("=")[0] in ("logger", "logger.directory") for override in typed)
    places: set[str | None] = set()
    with _composing(directory), initialize_config_dir(str(checks.conf_directory()), version_base="1.3"):
        shipped: dict[str, dict[str, Any]] = {}
        for config in _composed([*recorded, *typed], source):
            launcher = str(config.hydra.runtime.choices["hydra/launcher"])
            if launcher not in shipped:
                shipped[launcher] = _hydras(_shipped(launcher, typed))
            _require_shipped(_hydras(config), shipped[launcher], directory)
            own = OmegaConf.masked_copy(config, [str(key) for key in config if key != "hydra"])
            plain = stored.admitted(own, packages)
            if not places_typed:
                stored.require_usual_place(plain, directory)
                places.add(plain["logger"].get("directory"))
    return places


@contextmanager
def _composing(directory: Path) -> Iterator[None]:
    """Replace errors of Hydra, its parser and YAML, whose advice is meant for whoever typed the overrides."""
    try:
        yield
    except Exception as error:
        if isinstance(error, UserError) and not isinstance(error, checks.UnresolvedError):
            raise
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(
            f"sweep.resume={directory}: what is stored of this sweep, with what was typed, makes no configuration "
            f"({reason}): restore {STARTED} in that directory, or start the sweep again in an empty one."
        ) from error


def _composed(overrides: Sequence[str], source: str | None) -> Iterator[DictConfig]:
    """The configuration of the whole sweep, then of every job, all with Hydra's part."""
    more = [] if source is None else [f"hydra.searchpath=[{quoted(f'file://{Path(source).resolve()}')}]"]
    config = whole([*overrides, *more])
    yield config
    yield from (job(config, given) for given in jobs_of(config))


def _shipped(launcher: str, typed: Sequence[str]) -> DictConfig:
    """The shipped configuration with the overrides of Hydra that were typed and one of the known launchers."""
    chosen = [f"hydra/launcher={launcher}"] if launcher in EXTRAS else []
    return compose("train", [*chosen, *(o for o in typed if o.lstrip("+~").startswith(("hydra.", "hydra/")))], True)


def _hydras(config: DictConfig) -> dict[str, Any]:
    """Hydra's part, flat, with interpolations as text."""
    return dict(flat(OmegaConf.to_container(config.hydra, resolve=False), ""))


def _require_shipped(found: dict[str, Any], shipped: dict[str, Any], directory: Path) -> None:
    absent = object()
    for key in {**found, **shipped}:
        value = found.get(key, absent)
        free = key.startswith(_COPIED) or (key.startswith(_FREE) and "${" not in str(value))
        if free or value == shipped.get(key, absent):
            continue
        if key.startswith(_LAUNCHER) and (value is None or isinstance(value, (bool, int, float))):
            continue
        raise _refusal(directory, f"hydra.{key}")


def _refusal(directory: Path, key: str) -> UserError:
    # The value is left out, since Hydra may have taken it from the environment.
    return UserError(
        f"sweep.resume={directory}: this sweep was stored with a {key} of its own, and of Hydra's settings a stored "
        "sweep may change only which jobs there are and the numbers of a known launcher: nothing was run. If it is "
        f"your own, type what you gave for {key} again, beside sweep.resume."
    )

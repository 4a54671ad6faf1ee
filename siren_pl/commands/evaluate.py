"""The command `evaluate.py`: loads a run from its directory, scores it again and renders it at any size."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from omegaconf import DictConfig, OmegaConf

from siren_pl.commands.guard import guarded
from siren_pl.errors import UserError
from siren_pl.runs import directory as directory_of
from siren_pl.runs import stored
from siren_pl.runs.trust import named

if TYPE_CHECKING:
    from siren_pl.field.networks import CoordinateNetwork
    from siren_pl.field.networks.bundle import Bundle

log = logging.getLogger(__name__)

USAGE = """evaluate.py: score a run again and render its field at any size

  python evaluate.py run=<run directory>               at the signal's own size
  python evaluate.py run=<run directory> scale=4       four times as many pixels along each side
  python evaluate.py run=<run directory> size=512,768  height, width; size=512 sets the longer side
  python evaluate.py run=<run directory> window=40.5,60,32,48 scale=8
                                                       a part alone: top, left, height, width in pixels of the signal's
                                                       own grid, beside the samples enlarged; scale or size is its own
  … dataset.path=FILE, dataset.root=DIR                where the data lies now
  … trust=PACKAGE                                      admit code of your own that the run names
scale, size and window are options of pictures; signals of another kind have their own, which an unknown option lists.
Results go to <run>/evaluate/<H>x<W>/ or <run>/evaluate/window_<…>/; the run's own files stay as they are."""
# Options for every kind of signal; the run's judge names the others.
OPTIONS = ("run", "trust", "debug", "dataset")


def evaluate() -> NoReturn:
    """Entry point of `evaluate.py`."""
    sys.exit(guarded(_evaluate, sys.argv[1:]))


def load(run: str | Path, trust: str | tuple[str, ...] = ()) -> CoordinateNetwork:
    """The fitted field of a run directory, ready to be called with coordinates (N, D).

    Args:
        run: The run directory.
        trust: Packages of your own that the run's configuration may name, or their names separated by commas.

    Raises:
        UserError: The directory holds no run, its checkpoint is damaged, or it names code that is not trusted.
    """
    packages = named(trust) if isinstance(trust, str) else trust
    with stored.built_from(Path(run)):
        return _bundle(_saved(Path(run), packages), Path(run)).network


def _saved(run: Path, trust: tuple[str, ...], overrides: DictConfig | None = None) -> dict[str, Any]:
    """The run's configuration, plain, checked and admitted."""
    directory_of.require_one_field(run, "run")
    config = stored.configuration(run)
    if overrides is not None:
        config = OmegaConf.merge(config, {"dataset": overrides})
        assert isinstance(config, DictConfig)
    return stored.admitted(config, trust)


def _bundle(config: dict[str, Any], run: Path) -> Bundle:
    """The run's fields and fitted numbers."""
    from siren_pl.field.domain import Domain
    from siren_pl.runs import build
    from siren_pl.runs.autos import settle
    from siren_pl.training.checkpoints import LAST, read_checkpoint

    path = run / "checkpoints" / LAST
    checkpoint = read_checkpoint(path)
    try:
        domains = {name: Domain(**made_for) for name, made_for in checkpoint["siren_pl"]["domains"].items()}
        # A user's own module stores its own weights beside those of the fields.
        weights = {name: each for name, each in checkpoint["state_dict"].items() if not name.startswith("own.")}
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is not a checkpoint of siren_pl: it has no {error}.") from error
    numbers = {name.removeprefix("numbers."): 0.0 for name in weights if name.startswith("numbers.")}
    bundle = build.bundle(config, settle(config, domains), domains, numbers)
    try:
        bundle.load_state_dict(weights)
    except RuntimeError as error:
        raise UserError(f"the weights in {path} do not fit the network of {run}/.hydra/config.yaml: {error}") from error
    return bundle.float().eval()


def _evaluate(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    # The only grammar is key=value, so values with commas or further equals signs stay whole.
    pairs = {key: value for key, _, value in (argument.partition("=") for argument in arguments)}
    if not pairs.get("run"):
        raise UserError("evaluate.py needs run=<run directory>.")
    run = Path(pairs["run"])
    overrides = OmegaConf.create({key[8:]: value for key, value in pairs.items() if key.startswith("dataset.")})
    packages = named(pairs.get("trust", ""))
    asked = {key: value for key, value in pairs.items() if key.split(".")[0] not in OPTIONS}
    with stored.built_from(run):
        config = _saved(run, packages, overrides)
        return _score_and_render(config, run, asked, list(overrides))


def _score_and_render(config: dict[str, Any], run: Path, asked: dict[str, str], overridden: Sequence[Any]) -> int:
    from siren_pl.runs import build, identity
    from siren_pl.runs.leave import draw, leave
    from siren_pl.runs.summary import rows
    from siren_pl.training.fields import ask_of

    # A user who says where the data are may mean another picture.
    (plan,) = identity.opened(config, run, log.warning if overridden else None)
    problem = plan.problem
    _require_known(asked, problem.judge.options)
    # Impossible requests are refused before the field is judged.
    name, judge = problem.judge.asked(asked)
    answer = problem.answer(ask_of(_bundle(config, run), build.strategies(config, problem.fields)))
    target = run / "evaluate" / name
    left = leave(judge, answer, build.rivals(plan), target, target)
    paths = [*left.files, *draw(left, target / "figures")]
    for metric in rows(left.metrics, left.findings.measures):
        print(f"{metric:18s} {left.metrics[metric]:.4g}")
    for path in [target / "metrics.json", *paths]:
        print(path)
    return 0


def _require_known(asked: Iterable[str], options: Mapping[str, str]) -> None:
    told = "; ".join(f"{name}=… {says}" for name, says in options.items())
    for key in asked:
        if key not in options:
            known = ", ".join(["run", *options, "trust", "debug", "dataset.path"])
            of_kind = told and f" Of this kind of signal: {told}."
            raise UserError(f"{key} is not an option of evaluate.py: choose among {known}.{of_kind}")

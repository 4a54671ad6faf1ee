"""What `evaluate.py` does: bring a run back from its directory, score it again, render it at any size."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from omegaconf import DictConfig, OmegaConf

from siren_pl import config as checks
from siren_pl import run_directory as directory_of
from siren_pl.command_line import guarded
from siren_pl.errors import UserError

if TYPE_CHECKING:
    from siren_pl.networks import CoordinateNetwork

USAGE = """evaluate.py: score a run again and render its field at any size

  python evaluate.py run=<run directory>               at the signal's own size
  python evaluate.py run=<run directory> scale=4       four times as many pixels along each side
  python evaluate.py run=<run directory> size=512,768  height, width; size=512 sets the longer side
  … dataset.path=FILE, dataset.root=DIR                where the data lies now
  … trust=PACKAGE                                      admit code of your own that the run names
Results go to <run>/evaluate/<H>x<W>/; the run's own files stay as they are."""
OPTIONS = ("run", "scale", "size", "trust", "debug", "dataset")
# Larger pictures than this take hours to compute and more memory than PNG writers manage.
MOST_PIXELS = 1 << 31


def evaluate() -> NoReturn:
    """Entry point of `evaluate.py`."""
    sys.exit(guarded(_evaluate, sys.argv[1:]))


def load(run: str | Path, trust: tuple[str, ...] = ()) -> CoordinateNetwork:
    """The fitted field of a run directory, ready to be called with coordinates (N, D).

    Args:
        run: The run directory.
        trust: Your own packages that the run's configuration may name.

    Raises:
        UserError: The directory holds no run, its checkpoint is damaged, or it names code that is not trusted.
    """
    return _field(_saved(Path(run), trust), Path(run))


def _saved(run: Path, trust: tuple[str, ...], overrides: DictConfig | None = None) -> dict[str, Any]:
    """The run's configuration: plain, checked, trusted."""
    directory_of.require_one_field(run, "run")
    config = OmegaConf.load(run / ".hydra" / "config.yaml")
    assert isinstance(config, DictConfig)
    if overrides is not None:
        config = OmegaConf.merge(config, {"dataset": overrides})
        assert isinstance(config, DictConfig)
    checks.validate(config)
    plain = OmegaConf.to_container(config, resolve=True)
    from siren_pl import trust as trusted

    trusted.check(plain, trust)
    return plain  # type: ignore[return-value]


def _field(config: dict[str, Any], run: Path) -> CoordinateNetwork:
    from siren_pl import build
    from siren_pl.models import KnownDomain
    from siren_pl.training.checkpoints import LAST, read_checkpoint

    path = run / "checkpoints" / LAST
    checkpoint = read_checkpoint(path)
    try:
        made_for = checkpoint["siren_pl"]["signal"]
        weights = checkpoint["state_dict"]
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is not a checkpoint of siren_pl: it has no {error}.") from error
    network = build.network(config, KnownDomain(**made_for))
    prefix = "network."
    own = {name.removeprefix(prefix): tensor for name, tensor in weights.items() if name.startswith(prefix)}
    try:
        network.load_state_dict(own)
    except RuntimeError as error:
        raise UserError(f"the weights in {path} do not fit the network of {run}/.hydra/config.yaml: {error}") from error
    return network.float().eval()


def _evaluate(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(USAGE)
        return 0
    # Names with commas or equals signs after the first one stay whole: no grammar but key=value.
    pairs = {key: value for key, _, value in (argument.partition("=") for argument in arguments)}
    for key in pairs:
        if key.split(".")[0] not in OPTIONS:
            raise UserError(
                f"{key} is not an option of evaluate.py: choose among {', '.join(OPTIONS[:4])}, dataset.path."
            )
    if not pairs.get("run"):
        raise UserError("evaluate.py needs run=<run directory>.")
    run = Path(pairs["run"])
    size, scale = _size(pairs.get("size")), _scale(pairs.get("scale"))
    overrides = OmegaConf.create({key[8:]: value for key, value in pairs.items() if key.startswith("dataset.")})
    packages = tuple(pairs.get("trust", "").split(",")) if pairs.get("trust") else ()
    config = _saved(run, packages, overrides)
    return _score_and_render(config, run, size, scale)


def _score_and_render(config: dict[str, Any], run: Path, size: tuple[int, ...] | None, scale: float | None) -> int:
    from siren_pl import build
    from siren_pl.judging import judge, save_image

    signal, task, network = build.signal(config), build.task(config), _field(config, run)
    derivatives = build.derivatives(config, signal.out_features)
    judgement = judge(network, task, signal, derivatives, build.baselines(config))
    wanted = _shape(signal.shape, size, scale)
    target = run / "evaluate" / "x".join(map(str, wanted))
    directory_of.write_metrics(target, judgement.metrics)
    paths = [save_image(judgement.picture(wanted), target / f"{signal.name}.png")]
    if wanted == signal.shape:
        paths += judgement.draw(target / "figures", [])
    for name in ("psnr", "psnr_mean_aligned", "heldout_psnr", "ssim"):
        if name in judgement.metrics:
            print(f"{name:18s} {judgement.metrics[name]:.4g}")
    for path in [target / "metrics.json", *paths]:
        print(path)
    return 0


def _size(text: str | None) -> tuple[int, ...] | None:
    """`512` or `512,768` (brackets allowed) as whole numbers."""
    if text is None:
        return None
    if not re.fullmatch(r"\[?\s*[1-9]\d*\s*(,\s*[1-9]\d*\s*)?\]?", text):
        raise UserError(f"size={text} must be height,width or the length of the longer side, in pixels from 1.")
    return tuple(int(number) for number in re.findall(r"\d+", text))


def _scale(text: str | None) -> float | None:
    try:
        scale = None if text is None else float(text)
    except ValueError:
        scale = -1.0
    if scale is not None and not 0 < scale < float("inf"):
        raise UserError(f"scale={text} must be a positive number.")
    return scale


def _shape(shape: tuple[int, ...], size: tuple[int, ...] | None, scale: float | None) -> tuple[int, ...]:
    """The grid to render."""
    if size is not None and scale is not None:
        raise UserError("give scale= or size=, not both.")
    if size is not None and len(size) == len(shape):
        wanted = size
    else:
        factor = scale or (size[0] / max(shape) if size else 1.0)
        wanted = tuple(max(1, round(n * factor)) for n in shape)
    total = 1
    for n in wanted:
        total *= n
    if total > MOST_PIXELS:
        raise UserError(
            f"size={','.join(map(str, wanted))} has {total:.2g} pixels, more than 2^31: choose a smaller one."
        )
    return wanted

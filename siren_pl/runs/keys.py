"""What values a configuration may hold: checked before anything heavy is imported, so that a slip costs no time.

Hydra knows which keys exist; this file knows their types and ranges. A key without a rule (of a user's own network,
say) passes.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import BeforeValidator, ConfigDict, Field, StrictBool, TypeAdapter, ValidationError

from siren_pl.errors import UserError


def _not_true(value: Any) -> Any:
    """Pydantic would read true as 1."""
    if isinstance(value, bool):
        raise ValueError(f"{value} is no number")
    return value


Real = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(_not_true)]
Integer = Annotated[int, BeforeValidator(_not_true)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Fraction = Annotated[Real, Field(ge=0, lt=1)]
# What a tensor's size along an axis may be, and a seed.
Count = Annotated[Integer, Field(ge=1, lt=2**63)]
Whole = Annotated[Integer, Field(ge=0, lt=2**63)]
Cells = Annotated[Real, Field(ge=1, le=2**20)]
Auto = Literal["auto"]
Scheme = Literal[
    "siren",
    "siren_scaled",
    "framework",
    "uniform",
    "normal",
    "xavier_uniform",
    "xavier_normal",
    "kaiming_uniform",
    "kaiming_normal",
]
GradientStencil = Literal["central", "sobel", "prewitt", "scharr", "spectral"]

RULES: dict[str, tuple[Any, str]] = {
    "seed": (Whole, "a whole number from 0 to 2^63 - 1"),
    "compile": (Union[StrictBool, Auto], "auto, true or false"),
    "debug": (StrictBool, "true or false"),
    "figures": (StrictBool, "true or false"),
    "layer_statistics": (StrictBool, "true or false"),
    "sweep.tune": (Optional[str], "the name of a swept key, or null"),
    "sweep.resume": (None, "given on the command line alone: sweep.resume=<sweep directory>"),
    "sweep.allow_divergence": (StrictBool, "true or false"),
    "dataset.size": (Optional[Count | tuple[Count, Count]], "a positive number of pixels, [height,width], or null"),
    "dataset.crop": (Optional[tuple[Whole, Whole, Count, Count]], "[top,left,height,width] in whole pixels, or null"),
    "dataset.resize": (Literal["nearest", "bilinear", "bicubic", "lanczos"], "nearest, bilinear, bicubic or lanczos"),
    "dataset.grayscale": (StrictBool, "true or false"),
    "dataset.grid": (Literal["centres", "corners"], "centres or corners"),
    "dataset.heldout": (Fraction, "a fraction from 0 up to, not including, 1"),
    "dataset.stride": (Count, "a whole number from 1"),
    "dataset.batch_size": (Union[Count, Literal["full", "auto"]], "a positive number of points, full or auto"),
    "dataset.index": (Union[Whole, Literal["all"], tuple[Whole, ...]], "a whole number, [a,list,of,them], or all"),
    "dataset.degrade": (StrictBool, "true or false"),
    "task.degrade": (StrictBool, "true or false"),
    "task.scale": (Annotated[Real, Field(ge=1)], "a number from 1"),
    "task.kernel": (
        Literal["bicubic", "bilinear", "area", "lanczos", "gaussian"],
        "bicubic, bilinear, area, lanczos or gaussian",
    ),
    "task.blur": (Optional[Annotated[Real, Field(ge=1e-3, le=100)]], "0.001 to 100 small pixels, or null"),
    "task.noise": (Literal["gaussian", "poisson", "salt_and_pepper"], "gaussian, poisson or salt_and_pepper"),
    "task.sigma": (Fraction, "a number in [0, 1), in pixels of [0, 1]: 25 of 255 is 0.098"),
    "task.keep": (Optional[Annotated[Real, Field(gt=0, le=1)]], "a fraction above 0, up to 1, or null"),
    "task.damage": (Optional[Literal["text", "scratches"]], "text, scratches or null"),
    "task.total_variation": (Union[NonNegative, Auto], "a weight from 0, or auto"),
    "task.mode": (Literal["clone", "fuse", "mixed"], "clone, fuse or mixed"),
    "task.sources": (list[str], "[a,list,of,files] or names of pictures"),
    "task.weights": (Optional[list[NonNegative]], "[a,list,of,numbers] from 0, the target's first, or null"),
    "task.mixed": (StrictBool, "true or false"),
    "task.offset": (tuple[Integer, Integer], "[rows,columns] in whole pixels"),
    "task.boundary_weight": (NonNegative, "a weight from 0"),
    "task.curvature": (NonNegative, "a weight from 0"),
    "task.spectral": (NonNegative, "a weight from 0"),
    "task.perceptual": (NonNegative, "a weight from 0"),
    "task.lattice": (Annotated[Real, Field(ge=1, le=16)], "a number of points from 1 to 16"),
    "model.hidden_features": (Count, "a whole number from 1"),
    "model.hidden_layers": (Whole, "a whole number from 0"),
    "model.omega_0": (Union[Positive, Auto], "a positive number, or auto"),
    "model.first_omega_0": (Optional[Positive], "a positive number, or null for model.omega_0"),
    "model.hidden_omega_0": (Optional[Positive], "a positive number, or null for model.omega_0"),
    "model.num_frequencies": (Union[Whole, Auto], "a whole number, or auto"),
    "model.parameters": (Optional[Count], "a whole number of parameters, or null"),
    "model.lr_factor": (Positive, "a positive number"),
    "model.deviation": (Union[Positive, Auto], "a positive number, or auto"),
    "model.scale": (Optional[Positive], "a positive number, or null"),
    "model.bell_width": (Union[Positive, Auto], "a positive number, or auto"),
    "model.first_bias": (Positive, "a positive number"),
    "model.input_scale": (Union[Positive, Auto], "a positive number, or auto"),
    "model.bandwidth": (Union[Positive, Auto], "a positive number of cycles, or auto"),
    "model.frequencies": (Union[Count, Auto], "a whole number from 1, or auto"),
    "model.decay": (Optional[Positive], "a positive number, or null"),
    "model.levels": (Count, "a whole number from 1"),
    "model.features": (Count, "a whole number from 1"),
    "model.table_size": (Count, "a whole number from 1"),
    "model.coarsest": (Cells, "a number of cells from 1 to 2^20"),
    "model.finest": (Union[Cells, Auto], "a number of cells from 1 to 2^20, or auto"),
    "model.tiles": (Union[Count, Auto], "a whole number of tiles along an axis, or auto"),
    "model.overlap": (Annotated[Real, Field(gt=0, le=0.5)], "a fraction of a tile above 0, up to 0.5"),
    "model.members": (Count, "a whole number from 1"),
    "init.first": (Scheme, "the name of an init scheme"),
    "init.hidden": (Scheme, "the name of an init scheme"),
    "init.divide_by_omega": (StrictBool, "true or false"),
    "init.scale": (Positive, "a positive number"),
    "init.lr_factor": (Positive, "a positive number"),
    "optimizer.lr": (Union[Positive, Auto], "a positive number, or auto"),
    "optimizer.factor": (Positive, "a positive number"),
    "optimizer.clip": (Optional[Positive], "a positive number, or null"),
    "optimizer.schedule": (Literal["cosine", "constant"], "cosine or constant"),
    "optimizer.warmup": (Fraction, "a fraction from 0 up to, not including, 1"),
    "optimizer.final": (Fraction, "a fraction from 0 up to, not including, 1"),
    "trainer.max_steps": (Union[Count, Auto], "a whole number from 1, or auto"),
    "trainer.devices": (Count, "a whole number from 1"),
    "trainer.accelerator": (Literal["auto", "cpu", "gpu", "cuda", "mps", "tpu"], "auto, cpu, gpu, mps or tpu"),
    "trainer.precision": (Literal["32-true", "bf16-mixed", "64-true"], "32-true, bf16-mixed or 64-true"),
    "trainer.tf32": (StrictBool, "true or false"),
    "trainer.memory_gb": (Positive, "a positive number of gigabytes"),
    "trainer.evaluations": (Whole, "a whole number from 0"),
    "trainer.progress": (StrictBool, "true or false"),
    "logger.histograms": (StrictBool, "true or false"),
    "logger.mode": (Literal["auto", "online", "offline"], "auto, online or offline"),
    "task.batch_size": (Union[Count, Literal["full", "auto"]], "a positive number of points, full or auto"),
    "task.members": (Count, "a whole number from 1"),
    "task.lr": (Positive, "a positive number"),
    "task.clip": (Optional[Positive], "a positive number, or null"),
    "task.passes": (Positive, "a positive number"),
    "task.fewest_steps": (Count, "a whole number from 1"),
    "task.stencil": (Literal["laplace", "spectral"] | GradientStencil, "the name of a stencil"),
    "task.gradient_stencil": (GradientStencil, "central, sobel, prewitt, scharr or spectral"),
    "task.gradient_weight": (NonNegative, "a number from 0"),
    "task.target_factor": (Optional[Positive], "a positive number, or null for true units"),
    "task.boundary": (StrictBool, "true or false"),
    "task.integrated": (StrictBool, "true or false"),
    "task.border": (StrictBool, "true or false"),
}


def validate(config: DictConfig) -> None:
    """Check every key that has a rule, and write coerced values (1e4 -> 10000) back.

    Raises:
        UserError: Naming every key that is out of its range.
    """
    try:
        OmegaConf.to_container(config, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(f"the configuration does not resolve: {error}".replace("\n", " ")) from error
    problems = [f"{key} has no value (???)" for key in sorted(OmegaConf.missing_keys(config))]
    for key, (kind, wanted) in RULES.items():
        missing = object()
        value = OmegaConf.select(config, key, default=missing)
        if value is missing:
            continue
        try:
            plain = OmegaConf.to_container(value) if OmegaConf.is_config(value) else value
            checked = TypeAdapter(kind, config=ConfigDict(strict=False)).validate_python(plain)
        except ValidationError:
            problems.append(f"{key}={value} must be {wanted}")
            continue
        if checked != plain or type(checked) is not type(plain):
            OmegaConf.update(config, key, list(checked) if isinstance(checked, tuple) else checked)
    if problems:
        raise UserError("; ".join(problems) + ".")


def conf_directory() -> Path:
    """The configuration files: inside the installed package, else beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    return next(path for path in (package / "conf", package.parent / "conf") if path.is_dir())


def require_members(arguments: list[str]) -> None:
    """Refuse slips of choosing a group's member, of which Hydra says little.

    Raises:
        UserError: A file that others are made of was chosen, or a folder, or a folder was typed as a group.
    """
    if any(argument.startswith(("--config-dir", "-cd")) for argument in arguments):
        return  # a folder of one's own may hold a member of any name
    for argument in arguments:
        key, _, value = argument.lstrip("+").partition("=")
        group, names = key.partition("@")[0], [name.strip() for name in value.strip("[]").split(",")]
        folder = conf_directory() / group
        if not group or not folder.is_dir():
            continue
        parent, _, below = group.partition("/")
        if below and value:
            meant = ",".join(f"{below}/{name}" for name in names)
            raise UserError(f"{argument}: a member that lies in a folder is chosen by {parent}={meant}.")
        members = sorted(str(path.relative_to(folder).with_suffix("")) for path in folder.rglob("[!_]*.yaml"))
        if any(name.startswith("_") or (name and (folder / name).is_dir()) for name in names):
            raise UserError(
                f"{argument} names what others are made of or stored in: choose among {', '.join(members)}."
            )


def suggest(key: str, config: DictConfig) -> str:
    """The known key that looks most like `key`, as a half-sentence; empty if none does."""
    known = list(_keys(OmegaConf.to_container(config, resolve=False), ""))
    close = difflib.get_close_matches(key, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""


def _keys(node: Any, prefix: str) -> Any:
    if isinstance(node, dict):
        for name, child in node.items():
            yield f"{prefix}{name}"
            yield from _keys(child, f"{prefix}{name}.")

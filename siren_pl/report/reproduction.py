"""How to reproduce everything in the document: commands, versions, and the machine."""

from __future__ import annotations

import os
import platform
import shlex
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import torch

from siren_pl.report.blocks import Block, Code, Heading, Paragraph, Table
from siren_pl.report.runs import Sweep
from siren_pl.runs import stored

PACKAGES = ("siren-pl", "torch", "lightning", "hydra-core", "numpy", "scipy", "scikit-image", "matplotlib")


def reproduction(sweeps: Sequence[Sweep], command: str) -> list[Block]:
    """List the commands behind the tables and figures, and the machine they ran on."""
    lines = [training_command(directory) for sweep in sweeps for directory in sweep.directories]
    rows = [(name, metadata.version(name)) for name in PACKAGES if _installed(name)]
    rows += [("Python", platform.python_version()), ("machine", _machine())]
    return [
        Heading("Reproduction"),
        Paragraph("These commands made the runs; the last one made this document from their directories:"),
        Code("\n".join([*lines, command])),
        Paragraph(
            "The table states the versions and the machine that wrote this document. Run directories do not record "
            "them, so they apply to the runs only if these were made on the same machine."
        ),
        Table(("software", "version"), tuple(rows), "Versions and machine of this document."),
    ]


def training_command(directory: Path) -> str:
    """The command line that started a run or a sweep."""
    multirun, overrides = directory / "multirun.yaml", directory / ".hydra" / "overrides.yaml"
    if multirun.is_file():
        typed = stored.at(stored.read(multirun), "hydra.overrides.task") or []
        return shlex.join(["python", "train.py", "-m", *map(str, typed), f"hydra.sweep.dir={directory}"])
    typed = stored.read(overrides) if overrides.is_file() else []
    return shlex.join(["python", "train.py", *map(str, typed), f"hydra.run.dir={directory}"])


def _installed(name: str) -> bool:
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def _machine() -> str:
    """The processor, by name if the system reports it, the number of cores, the accelerator and the system."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    accelerator = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    system = f"{platform.system()} {platform.release()}"
    return f"{(names or [platform.machine()])[0]}, {os.cpu_count()} cores{accelerator}, {system}"

"""What Hydra's launchers need: their own package, and our package in the processes that they start."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path

from siren_pl.runs import keys as checks

# The optional dependency that installs each launcher.
EXTRAS = {"joblib": "joblib", "submitit_local": "submitit", "submitit_slurm": "submitit", "ray": "ray"}


def installed() -> list[str]:
    """Names of the installed launchers, besides Hydra's own loop."""
    return [
        name
        for name, extra in EXTRAS.items()
        if find_spec("hydra_plugins") and find_spec(f"hydra_plugins.hydra_{extra}_launcher")
    ]


def missing(text: str) -> str | None:
    """A paragraph to replace Hydra's message about a launcher that is not installed; None for any other message."""
    found = re.search(r"Could not find 'hydra/launcher/(\w+)'", text)
    if not found or found.group(1) not in EXTRAS:
        return None
    name = found.group(1)
    return (
        f"hydra/launcher={name} needs a package that is not installed: pip install siren-pl[{EXTRAS[name]}], or, in a "
        f'checkout, pip install -e ".[{EXTRAS[name]}]". Without a launcher the jobs of a sweep run one after another.'
    )


def share_checkout() -> None:
    """Let processes that a launcher starts anywhere import this checkout; an installed package needs no help."""
    root = Path(__file__).resolve().parents[2]
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    if checks.conf_directory().parent == root and str(root) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *paths])

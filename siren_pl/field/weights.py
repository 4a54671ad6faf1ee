"""Files of weights, read as data: as plain containers and tensors, without running any code in them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError
from textwrap import shorten
from typing import Any

import torch
from torch import Tensor, nn

from siren_pl.errors import UserError

# The prefix of every name when a network is saved from inside `DataParallel`.
WRAPPER = "module."
LONGEST_REASON = 300  # characters; torch lists every tensor that does not fit


def read_plain(path: Path, kind: str, cure: str) -> Any:
    """Read what `torch.save` wrote, onto the CPU.

    Args:
        path: An existing file.
        kind: What the file should be, for the message: "a checkpoint of siren_pl".
        cure: What the user should do if it is something else.

    Raises:
        UserError: The file is damaged, or holds anything but plain data.
    """
    try:
        with warnings.catch_warnings():
            # Of the version in which objects were pickled, before they are refused.
            warnings.filterwarnings("ignore", "Detected pickle protocol")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        if isinstance(error, UnpicklingError):
            # torch's own text advises to load it all the same.
            reason = "it holds Python objects, or bytes that look like some, which could run code"
        raise UserError(
            f"{path} is not {kind}, or it is damaged ({reason}). Files are loaded as weights only, so that a "
            f"stranger's file runs no code: {cure}."
        ) from error


def read_tensors(path: Path, cure: str) -> dict[str, Tensor]:
    """Read the float32 tensors of a state dict by name, without the prefix `module.`.

    Raises:
        UserError: The file is missing, damaged, or not a state dict.
    """
    if not path.is_file():
        raise UserError(f"the file of weights {path} does not exist: {cure}.")
    content = read_plain(path, "a file of weights", cure)
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise UserError(f"{path} is not a state dict, names with a tensor each, as torch.save writes it: {cure}.")
    return {str(name).removeprefix(WRAPPER): _single(tensor) for name, tensor in content.items()}


def fill(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Assign the tensors to a network, which may have been built on the device `meta`, and freeze it.

    Raises:
        ValueError: A tensor is missing, left over or of the wrong shape; the text is one line.
    """
    try:
        network.load_state_dict(tensors, strict=True, assign=True)
    except RuntimeError as error:
        raise ValueError(shorten(str(error), LONGEST_REASON)) from error
    network.eval().requires_grad_(False)


def _single(tensor: Tensor) -> Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor

"""The examples in docstrings say what the code does."""

import doctest
from types import ModuleType

import pytest
import torch

from siren_pl.field import derivatives, inits, jet, seeds
from siren_pl.problems.sampled import grid, levels


@pytest.fixture
def usual_printing() -> None:
    """How torch prints tensors by default, whatever another test chose."""
    torch.set_printoptions(profile="default")


@pytest.mark.usefixtures("usual_printing")
@pytest.mark.parametrize("module", [derivatives, grid, inits, jet, levels, seeds], ids=lambda module: module.__name__)
def test_the_examples_of_a_module(module: ModuleType) -> None:
    # The doctests write to stdout what differs, and pytest shows it.
    failed, tried = doctest.testmod(module)
    assert tried > 0
    assert failed == 0

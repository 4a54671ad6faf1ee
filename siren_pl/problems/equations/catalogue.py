"""Equations by name: those of siren_pl, and a user's own in a file of Python, which is a program."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import NamedTuple

from siren_pl.errors import UserError
from siren_pl.problems.equations.statement import Equation

# Every equation of siren_pl, by its module in `library` and the name of its class.
LIBRARY = {
    "poisson": "Poisson",
    "heat": "Heat",
    "wave": "Wave",
    "wave_2d": "Wave2d",
    "helmholtz": "Helmholtz",
    "burgers": "Burgers",
    "allen_cahn": "AllenCahn",
    "cavity": "Cavity",
    "coefficient": "Coefficient",
    "full_waveform": "FullWaveform",
    "paper_helmholtz": "PaperHelmholtz",
    "paper_inverse_helmholtz": "PaperInverseHelmholtz",
    "paper_wave": "PaperWave",
}
SUFFIX = ".py"


class Named(NamedTuple):
    """An equation, and the text of the file that says it; None if it is one of ours."""

    equation: Equation
    text: str | None


def equation_named(name: str | Equation, text: str | None = None) -> Named:
    """Find an equation.

    Args:
        name: One of ours, a file of Python, or an equation itself.
        text: What the file said when a stored run was fitted; None reads the file.

    Raises:
        UserError: There is no such equation, or the file cannot be run, or says none or several.
    """
    if isinstance(name, Equation):
        return Named(name, None)
    if name.endswith(SUFFIX):
        text = text or _read(Path(name))
        return Named(_run(Path(name), text), text)
    if name not in LIBRARY:
        raise UserError(f"task.equation={name}: choose among {', '.join(LIBRARY)}, or name a file, my_equation.py.")
    module = importlib.import_module(f"siren_pl.problems.equations.library.{name}")
    return Named(getattr(module, LIBRARY[name])(), None)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"task.equation={path} cannot be read ({error}): check the path.") from error


def _run(path: Path, text: str) -> Equation:
    space = {"__name__": path.stem, "__file__": str(path)}
    try:
        exec(compile(text, str(path), "exec"), space)
    except UserError:
        raise
    except Exception as error:
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, str(path))
        raise UserError(f"task.equation={path}, line {line}: {type(error).__name__}: {error}.") from error
    own = [each for each in space.values() if isinstance(each, type) and issubclass(each, Equation)]
    own = [each for each in own if each.__module__ == path.stem]
    if len(own) != 1:
        there = ", ".join(each.__name__ for each in own) or "none"
        raise UserError(f"task.equation={path} must define one subclass of Equation; it defines {there}.")
    try:
        return own[0]()
    except TypeError as error:
        raise UserError(f"task.equation={path}: {own[0].__name__} cannot be made ({error}).") from error


def _line(error: Exception, file: str) -> int | str:
    """The last line of the file that took part in an error."""
    line: int | str = "?"
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line

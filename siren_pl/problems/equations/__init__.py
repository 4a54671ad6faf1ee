"""Differential equations: a field from its equation, or the equation's coefficients from the field."""

from siren_pl.problems.equations.domains import Box, Disc
from siren_pl.problems.equations.statement import Equation, Unknown, at, observed, prior, within

__all__ = ["Box", "Disc", "Equation", "Unknown", "at", "observed", "prior", "within"]

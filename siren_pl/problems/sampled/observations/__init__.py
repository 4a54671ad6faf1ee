"""Observations, the ways to measure an unknown field: some of its samples, samples with noise."""

from siren_pl.problems.sampled.observations.base import Everything as Everything
from siren_pl.problems.sampled.observations.base import Observation as Observation
from siren_pl.problems.sampled.observations.base import noisy as noisy
from siren_pl.problems.sampled.observations.masks import EveryOther as EveryOther
from siren_pl.problems.sampled.observations.masks import GivenMask as GivenMask
from siren_pl.problems.sampled.observations.masks import Mask as Mask
from siren_pl.problems.sampled.observations.masks import RandomFraction as RandomFraction
from siren_pl.problems.sampled.observations.noise import NOISES as NOISES
from siren_pl.problems.sampled.observations.noise import Noise as Noise

"""What was measured of a picture, once a task says how: the picture is measured, or it holds what was measured."""

from __future__ import annotations

from dataclasses import replace

from siren_pl.errors import UserError
from siren_pl.problems.sampled.levels import decoded
from siren_pl.problems.sampled.observations import Everything, Observation
from siren_pl.problems.sampled.signal import SampledSignal


def measured_by(signal: SampledSignal, observation: Observation | None) -> SampledSignal:
    """A signal whose samples were all observed, as an observation measures it; None leaves it as it is.

    Where the signal was given data, they are what the observation measured already: of the samples, or, where the truth
    is not known, of samples of the shape that belongs to such data.

    Raises:
        UserError: Something of the signal is withheld already, or its data and its truth do not belong together.
    """
    if observation is None:
        return signal
    if not isinstance(signal.observation, Everything):
        raise UserError(
            f"{observation.option} and {signal.withheld} both choose what is kept from training: give one of them."
        )
    if signal.data is None:
        return replace(signal, observation=observation)
    data, shape = observation.read(signal.data), tuple(signal.data.shape[:-1])
    if signal.known:
        observation.require_pair(shape, signal.shape)
        return replace(signal, observation=observation, data=data)
    truth = observation.picture(decoded(data), observation.fine(shape))
    return replace(signal, stored=truth, observation=observation, data=data)


def require_pair(signal: SampledSignal) -> None:
    """Refuse data and a truth of different sizes, where no task said what lies between them.

    Raises:
        UserError: Naming both sizes.
    """
    if signal.data is not None and isinstance(signal.observation, Everything):
        signal.observation.require_pair(tuple(signal.data.shape[:-1]), signal.shape)

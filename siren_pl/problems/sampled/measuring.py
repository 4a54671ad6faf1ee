"""Measurements of a picture by a task's observation, which are either computed from it or given in a file."""

from __future__ import annotations

from dataclasses import replace

from siren_pl.errors import UserError
from siren_pl.problems.sampled.levels import decoded
from siren_pl.problems.sampled.observations import Everything, Observation
from siren_pl.problems.sampled.signal import SampledSignal


def measured_by(signal: SampledSignal, observation: Observation | None) -> SampledSignal:
    """Measure a signal, all of whose samples are observed, by an observation; None leaves it unchanged.

    If the signal has data, they are taken to be such measurements: of its samples, or, if it has no truth, of unknown
    samples whose shape follows from the shape of the data.

    Raises:
        UserError: Part of the signal is already withheld, or its data and its truth do not match.
    """
    if observation is None:
        return signal
    if not isinstance(signal.observation, Everything) or signal.observation.noise:
        raise UserError(
            f"{observation.told} and {signal.withheld} both choose what is kept from training: give one of them."
        )
    if signal.data is None:
        return replace(signal, observation=observation)
    data, shape = observation.read(signal.data), tuple(signal.data.shape[:-1])
    if signal.has_truth:
        observation.require_pair(shape, signal.shape)
        return replace(signal, observation=observation, data=data)
    truth = observation.picture(decoded(data), observation.fine(shape))
    return replace(signal, stored=truth, observation=observation, data=data)


def require_pair(signal: SampledSignal) -> None:
    """Refuse data and a truth of different sizes if no task says how they are related.

    Raises:
        UserError: The sizes differ; the message names both.
    """
    if signal.data is not None and isinstance(signal.observation, Everything):
        signal.observation.require_pair(tuple(signal.data.shape[:-1]), signal.shape)

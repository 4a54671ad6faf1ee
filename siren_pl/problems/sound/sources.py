"""Where sounds come from: a file, a folder, or a melody that is computed here, so that nothing has to be downloaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.sampled.places import chosen, visible
from siren_pl.problems.sound.files import SUFFIXES, Sound, read_sound
from siren_pl.training.problem import NOWHERE, Origin


class Heard(NamedTuple):
    """What a source returns: a sound, its name and where it was read from."""

    name: str
    sound: Sound
    origin: Origin = NOWHERE


Source = Callable[[], Heard]

# The melody: notes in semitones from A3 (220 Hz), a rising and falling arpeggio, each plucked this many seconds after
# the other at this rate.
NOTES, LOWEST, EVERY, RATE = (0, 4, 7, 12, 16, 12, 7, 4), 220.0, 0.25, 22050
# A harmonic k of a string that is plucked at a fifth of its length has amplitude sin(πk/5) / k², and dies away within
# DECAY / (1 + k / 4) seconds, higher ones sooner.
HARMONICS, PLUCKED_AT, DECAY = 12, 0.2, 0.6
# Seconds in which a note starts, and the peak of the whole.
ATTACK, PEAK = 0.004, 0.9


def melody() -> Source:
    """Two seconds of plucked strings, computed by us from decaying harmonics: the sound that needs no file.

    All partials lie below 6.7 kHz, so at 22,050 samples a second the sound is limited in band, but for its attacks.
    """
    return lambda: Heard("melody", Sound(plucked_strings(), RATE))


def plucked_strings() -> NDArray[np.float32]:
    """The samples (N, 1) of the melody."""
    count, step = round(len(NOTES) * EVERY * RATE), round(EVERY * RATE)
    total, k = np.zeros(count), np.arange(1, HARMONICS + 1)[:, None]
    for place, note in enumerate(NOTES):
        seconds = np.arange(count - place * step) / RATE
        partials = np.sin(2 * np.pi * k * LOWEST * 2 ** (note / 12) * seconds)
        strengths = np.sin(np.pi * k * PLUCKED_AT) / k**2 * np.exp(-seconds / DECAY * (1 + k / 4))
        total[place * step :] += (partials * strengths).sum(0) * (1 - np.exp(-seconds / ATTACK))
    return (PEAK * total / np.abs(total).max()).astype(np.float32)[:, None]


def sound_file(path: str | None) -> Source:
    """A sound file; the melody if there is none."""

    def read() -> Heard:
        place = Path(str(path))
        return Heard(place.stem, read_sound(place), Origin(place))

    return melody() if path is None else read


def folder(path: str | None, index: int | str = 0) -> Source:
    """A sound file in a folder or its subfolders: the index-th in the order of paths, or the one at a given path."""

    def read() -> Heard:
        place, file = chosen(path, index, _files(path), "sounds")
        return Heard(file.stem, read_sound(file), Origin(file, place))

    return read


def folder_members(path: str | None) -> list[int]:
    """The numbers of a folder's sounds."""
    return list(range(len(_files(path))))


def _files(path: str | None) -> list[Path]:
    if path is None:
        raise UserError("dataset=audio_folder needs a folder of sounds: add dataset.path=FOLDER.")
    root = Path(path)
    if not root.is_dir():
        raise UserError(f"dataset.path={path} is not a folder: use dataset=audio for a single file.")
    files = visible(root.rglob("*"), root, SUFFIXES)
    if not files:
        raise UserError(f"dataset.path={path} holds no sound file (wav, flac, ogg, mp3): check the path.")
    return files

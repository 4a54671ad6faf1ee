"""Rules for networks on one long axis, such as sounds: how many chunks, and which frequencies they start from.

A frequency is said in radians per sample, since what a sound is made of does not depend on its length: white noise has
frequencies from 0 to π.
"""

from __future__ import annotations

from siren_pl.field.domain import Domain
from siren_pl.field.networks import mlp

# Samples of a chunk: 23 ms at 44.1 kHz.
CHUNK_SAMPLES = 1000.0
# Radians per sample of the fastest wave that a network starts from. Chunks of 1.4 seconds of a cello (gt_bach.wav) have
# 39.8 dB with 0.2 and 37.8 with 0.1 after 1,500 steps. One network 256 × 3 for all of the file has 17.1, 20.0, 15.9 and
# 2.5 dB with 0.015, 0.03, 0.06 and 0.12 after 800 steps of 8,192 samples.
OF_A_CHUNK, OF_ONE = 0.2, 0.03


def chunks_rule(domain: Domain) -> int:
    """`model.tiles=auto` of `model=chunks`: one per 1,000 measured samples."""
    return max(1, round(domain.density / CHUNK_SAMPLES))


def chunks_omega_rule(domain: Domain) -> float:
    """`model.omega_0=auto` of `model=chunks`, on [-1, 1]."""
    return OF_A_CHUNK * domain.resolution / 2


def omega_rule(domain: Domain) -> float:
    """`model.omega_0=auto` of `model=siren`: that of `mlp.omega_rule`, but on one axis that of sounds."""
    return OF_ONE * domain.resolution / 2 if domain.in_features == 1 else mlp.omega_rule(domain)


def hidden_omega_rule(domain: Domain) -> float | None:
    """`model.hidden_omega_0=auto` of `model=siren`: on one axis the paper's 30, else that of the first layer.

    The first layer of a sound has an omega_0 of thousands. Only with a smaller one in the others can a learning rate
    suit both: the steps of the first layer's frequencies are proportional to it.
    """
    return mlp.REFERENCE_OMEGA if domain.in_features == 1 else None

"""Random numbers by seed: every whole number from 0 to 2⁶³ gives its own, and small ones those that torch gives.

torch's generator of a CPU looks at the lower 32 bits of its seed alone, so that 1 and 2³² + 1 would be one stream, and
none takes more than 64 bits, which (seed, step, term) soon fill.
"""

from __future__ import annotations

import numpy as np
import torch

# The bits of a seed that torch's generator of a CPU looks at, and that those of other devices do.
CPU_BITS, DEVICE_BITS = 32, 64
# Where a generator's state on a CPU, as 64-bit words, holds the 624 numbers of the Mersenne twister.
_TWISTER = slice(3, 3 + 624)


def seeded(seed: int) -> torch.Generator:
    """A generator whose whole state is drawn from the seed, a number from 0: no two seeds share a stream.

    >>> first, other = (torch.rand((), generator=seeded(seed)) for seed in (1, 2**32 + 1))
    >>> bool(first == torch.rand((), generator=torch.Generator().manual_seed(1))), bool(first == other)
    (True, False)
    """
    generator = torch.Generator().manual_seed(seed % 2**CPU_BITS)
    if seed < 2**CPU_BITS:
        return generator
    state = generator.get_state()
    twister = np.random.MT19937(seed).state["state"]["key"]
    state.view(torch.int64)[_TWISTER] = torch.from_numpy(twister.astype(np.int64))
    return generator.set_state(state)


def seeded_quickly(number: int, device: torch.device) -> torch.Generator:
    """A generator for one step of many, where `seeded` would take longer than the step's draw.

    A number that is too large for a device is hashed: two such numbers share a stream by chance alone, once in 2³².
    """
    bits = CPU_BITS if device.type == "cpu" else DEVICE_BITS
    if number >= 2**bits:
        kind = np.uint32 if bits == CPU_BITS else np.uint64
        number = int(np.random.SeedSequence(number).generate_state(1, kind)[0])
    return torch.Generator(device).manual_seed(number)

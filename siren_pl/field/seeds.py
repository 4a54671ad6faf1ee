"""Random generators by seed: every whole number from 0 to 2⁶³ has its own stream; below 2³² it is torch's.

torch's CPU generator ignores all but the lower 32 bits of its seed, so that 1 and 2³² + 1 would share a stream. No
generator takes more than 64 bits, which a number made of seed, step and term soon exceeds.
"""

from __future__ import annotations

import numpy as np
import torch

# The bits of a seed that torch's generator uses on a CPU, and on other devices.
CPU_BITS, DEVICE_BITS = 32, 64
# The 624 numbers of the Mersenne twister in the state of a CPU generator, which is counted in 64-bit words.
_TWISTER = slice(3, 3 + 624)


def seeded(seed: int) -> torch.Generator:
    """Make a generator whose whole state depends on the seed (0 or above): no two seeds share a stream.

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
    """Make a generator for a single step; `seeded` would take longer than the step's draw.

    A number that is too large for the device is hashed: two such numbers share a stream with probability 2⁻³².
    """
    bits = CPU_BITS if device.type == "cpu" else DEVICE_BITS
    if number >= 2**bits:
        kind = np.uint32 if bits == CPU_BITS else np.uint64
        number = int(np.random.SeedSequence(number).generate_state(1, kind)[0])
    return torch.Generator(device).manual_seed(number)

"""Files of pictures as an object, for other kinds of signals whose configuration hands it to them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siren_pl.problems.pictures.containers import Container, write_picture
from siren_pl.problems.pictures.files import read_picture


class Stills:
    """Reads and writes pictures with their depth and colour profile."""

    def read(self, path: Path, key: str) -> tuple[NDArray, Container]:
        """See `siren_pl.problems.pictures.files.read_picture`."""
        return read_picture(path, key)

    def write(self, pixels: NDArray, path: Path, container: Container) -> Path:
        """See `siren_pl.problems.pictures.containers.write_picture`."""
        return write_picture(pixels, path, container)

    def described(self, container: Container) -> dict[str, NDArray]:
        """The depth and the profile as arrays, which `container` takes."""
        profile = {} if container.profile is None else {"profile": np.frombuffer(container.profile, np.uint8)}
        return {"depth": np.array(container.depth), **profile}

    def container(self, arrays: Mapping[str, NDArray]) -> Container:
        """The container of a depth (8 bits if none) and a profile (none if none)."""
        profile = arrays["profile"].tobytes() if "profile" in arrays else None
        return Container(int(arrays.get("depth", np.array(8))), profile)

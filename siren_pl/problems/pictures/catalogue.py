"""Public files by name: read from a local folder, or downloaded once into a cache and verified by checksum.

Checksums come from cited sources. If no source states one, the first download pins it, and a later file that differs
is refused.
"""

from __future__ import annotations

import functools
import json
import os
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.pictures.containers import Container
from siren_pl.problems.pictures.files import read_picture
from siren_pl.problems.pictures.images import Source
from siren_pl.problems.sampled.places import visible
from siren_pl.training.whole_files import write_text

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")


@dataclass(frozen=True)
class PublicFile:
    """One published file.

    Attributes:
        file_name: Its name, which is also searched for below a local root.
        url: The address where it is published.
        checksum: `algorithm:hex` from a cited source; None pins the first download.
        sha256_prefix: The first digits, if a source states no more; a first download that differs is refused.
        option: The option by which a user can give a local copy, for messages.
    """

    file_name: str
    url: str
    checksum: str | None = None
    sha256_prefix: str = ""
    option: str = "dataset.root=FOLDER"


# BSDS500 train image 12003, the starfish of the SIREN paper. Checksum: the file at BIDS/BSDS500 commit a04b7c6.
STARFISH = PublicFile(
    "12003.jpg",
    "https://raw.githubusercontent.com/BIDS/BSDS500/a04b7c6/BSDS500/data/images/train/12003.jpg",
    "sha256:82209028e619fa21b087ea9e3863c05febbf1d05d9d4f078e6cd2fb233d67e2b",
)
# The checksum is stated on the page of the data set, https://www.cs.toronto.edu/~kriz/cifar.html.
CIFAR10 = PublicFile(
    "cifar-10-binary.tar.gz",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "md5:c32a1d4ab5d03f1284b67883e8d87530",
)
KODAK_COUNT = 24
CIFAR_SIDE = 32
CIFAR_RECORD = 1 + 3 * CIFAR_SIDE**2  # label, then the red, green and blue planes


def starfish(root: str | None = None) -> Source:
    """The starfish of BSDS500 (train/12003.jpg), on which the SIREN paper shows Poisson reconstruction."""
    return lambda: ("starfish", *read_picture(locate(STARFISH, root)))


def kodak(index: int = 1, root: str | None = None) -> Source:
    """Image 1 … 24 of the Kodak true-colour suite."""
    if not 1 <= index <= KODAK_COUNT:
        raise UserError(f"dataset.index={index}: the Kodak suite has images 1 to {KODAK_COUNT}.")
    public = kodak_file(index)
    return lambda: (Path(public.file_name).stem, *read_picture(locate(public, root)))


def kodak_file(index: int) -> PublicFile:
    """The file of a Kodak image."""
    name = f"kodim{index:02d}.png"
    return PublicFile(name, f"https://r0k.us/graphics/kodak/kodak/{name}")


def div2k(index: int = 801, root: str | None = None) -> Source:
    """A high-resolution image of DIV2K by its number, 801 … 900 for the validation images."""
    public = div2k_file(index)
    return lambda: (f"div2k_{Path(public.file_name).stem}", *read_picture(locate(public, root)))


def div2k_file(index: int) -> PublicFile:
    """The file of a DIV2K image."""
    name = f"{index:04d}.png"
    return PublicFile(name, f"https://data.vision.ee.ethz.ch/cvl/DIV2K/validation_release/{name}")


def cifar10(index: int = 0, root: str | None = None) -> Source:
    """An image of CIFAR-10 (first training batch), or the index-th image file below a local root."""

    def read() -> tuple[str, NDArray] | tuple[str, NDArray, Container]:
        name = f"cifar10_{index}"
        files = [] if root is None else image_files(Path(root))
        if files:
            if index >= len(files):
                raise UserError(f"dataset.index={index}: dataset.root={root} holds only {len(files)} images.")
            return name, *read_picture(files[index])
        return name, _cifar_image(locate(CIFAR10, root), index)

    return read


@functools.lru_cache(maxsize=1)
def cifar_records(archive: Path) -> NDArray[np.uint8]:
    """Read the first training batch (10,000, 3073): the label, then the red, green and blue planes.

    Raises:
        UserError: The archive is damaged, or not that of CIFAR-10.
    """
    try:
        with tarfile.open(archive) as tar:
            member = next(m for m in tar.getmembers() if m.name.endswith("data_batch_1.bin"))
            stream = tar.extractfile(member)
            return np.frombuffer(stream.read() if stream else b"", dtype=np.uint8).reshape(-1, CIFAR_RECORD)
    except (tarfile.TarError, OSError, EOFError, StopIteration, ValueError) as error:
        raise UserError(f"{archive} is not the binary archive of CIFAR-10, or it is damaged: delete it.") from error


def _cifar_image(archive: Path, index: int) -> NDArray[np.uint8]:
    records = cifar_records(archive)
    if not 0 <= index < len(records):
        raise UserError(f"dataset.index={index} must lie between 0 and {len(records) - 1}.")
    planes = records[index, 1:].reshape(3, CIFAR_SIDE, CIFAR_SIDE)
    return planes.transpose(1, 2, 0)


def image_files(root: Path) -> list[Path]:
    """All images below a folder, sorted by path; hidden files, such as macOS's `._a.png`, do not count."""
    return visible(root.rglob("*"), root, IMAGE_SUFFIXES)


def locate(public: PublicFile, root: str | None, cache: Path | None = None) -> Path:
    """Find the file below a local root if one is given, else in the cache, else download it.

    Raises:
        UserError: The file is not below the root, cannot be downloaded, or does not match its checksum.
    """
    if root is not None:
        found = sorted(Path(root).rglob(public.file_name))
        if not found:
            raise UserError(f"dataset.root={root} holds no {public.file_name}: point it at the folder of the file.")
        return found[0]
    cache = cache or cache_directory()
    pins = cache / "checksums.json"
    known = json.loads(pins.read_text()) if pins.exists() else {}
    checksum = public.checksum or known.get(public.url)
    path = _retrieve(public, checksum, cache)
    if checksum is None:
        import pooch

        digits = pooch.file_hash(str(path))
        if not digits.startswith(public.sha256_prefix):
            path.unlink()
            raise _mismatch(public, f"sha256:{public.sha256_prefix}…", cache)
        known[public.url] = f"sha256:{digits}"
        write_text(pins, json.dumps(known, indent=2))
    return path


def _retrieve(public: PublicFile, checksum: str | None, cache: Path) -> Path:
    import pooch
    import requests

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(pooch.retrieve(public.url, checksum, fname=public.file_name, path=cache))
    except ValueError as error:
        raise _mismatch(public, checksum, cache) from error
    except (OSError, requests.RequestException) as error:
        raise UserError(
            f"{public.file_name} could not be downloaded from {public.url} ({type(error).__name__}). "
            f"Where there is no network, fetch it elsewhere and say where it is: {public.option}."
        ) from error


def _mismatch(public: PublicFile, checksum: str | None, cache: Path) -> UserError:
    return UserError(
        f"{public.file_name} does not match its checksum {checksum}: the download was cut short or the file at "
        f"{public.url} has changed. Delete it from {cache} and try again, or give a good copy by {public.option}."
    )


def cache_directory() -> Path:
    """The directory of downloads: $SIREN_PL_DATA, by default ~/.cache/siren_pl."""
    return Path(os.environ.get("SIREN_PL_DATA") or Path.home() / ".cache" / "siren_pl")

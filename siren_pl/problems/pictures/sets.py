"""Sets of images: the numbers of their signals, so that `dataset.index=all` can go through them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from numpy.typing import NDArray

from siren_pl.errors import UserError
from siren_pl.problems.pictures.catalogue import (
    CIFAR10,
    KODAK_COUNT,
    PublicFile,
    cifar_records,
    div2k_file,
    image_files,
    kodak_file,
    locate,
)
from siren_pl.problems.pictures.containers import Container
from siren_pl.problems.pictures.files import read_picture
from siren_pl.problems.pictures.images import Source
from siren_pl.problems.sampled.places import chosen

DIV2K_VALIDATION = range(801, 901)


def folder(path: str | None, index: int | str = 0) -> Source:
    """An image file in a folder or its subfolders: the index-th in the order of paths, or the one at a given path."""

    def read() -> tuple[str, NDArray, Container]:
        place, file = chosen(path, index, _files(path), "images")
        samples, container = read_picture(file)
        return file.stem, samples, replace(container, place=place)

    return read


def folder_members(path: str | None) -> list[int]:
    """The numbers of a folder's images."""
    return list(range(len(_files(path))))


def kodak_members(root: str | None = None) -> list[int]:
    """The numbers of the Kodak suite: all 24, or those of the files below a local root."""
    return _present({index: kodak_file(index) for index in range(1, KODAK_COUNT + 1)}, root)


def div2k_members(root: str | None = None) -> list[int]:
    """The numbers of DIV2K's validation images: all 100, or those of the files below a local root."""
    return _present({index: div2k_file(index) for index in DIV2K_VALIDATION}, root)


def cifar10_members(root: str | None = None) -> list[int]:
    """The numbers of the first training batch's 10,000 images, or of the image files below a local root."""
    files = [] if root is None else image_files(Path(root))
    return list(range(len(files) or len(cifar_records(locate(CIFAR10, root)))))


def _present(files: dict[int, PublicFile], root: str | None) -> list[int]:
    """The numbers of the files below the root; all of them without a root."""
    if root is None:
        return list(files)
    here = {path.name for path in Path(root).rglob("*")}
    found = [number for number, file in files.items() if file.file_name in here]
    if not found:
        names = [file.file_name for file in files.values()]
        raise UserError(f"dataset.root={root} holds none of {names[0]} … {names[-1]}: point it at their folder.")
    return found


def _files(path: str | None) -> list[Path]:
    if path is None:
        raise UserError("dataset=folder needs a folder of images: add dataset.path=FOLDER.")
    if not Path(path).is_dir():
        raise UserError(f"dataset.path={path} is not a folder: use dataset=image for a single file.")
    files = image_files(Path(path))
    if not files:
        raise UserError(f"dataset.path={path} holds no image file (png, jpg, bmp, tif): check the path.")
    return files

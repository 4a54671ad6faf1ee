"""Sets of images: which members a name stands for, so that `dataset.index=all` becomes one signal after another."""

from __future__ import annotations

from pathlib import Path

from siren_pl.errors import UserError
from siren_pl.signals.catalogue import CIFAR10, KODAK_COUNT, cifar_records, image_files, locate
from siren_pl.signals.images import Pixels, Source, read_image

DIV2K_VALIDATION = range(801, 901)


def folder(path: str | None, index: int = 0) -> Source:
    """The index-th image file of a folder and its subfolders, in the order of their paths."""

    def read() -> tuple[str, Pixels]:
        files = _files(path)
        if not 0 <= index < len(files):
            raise UserError(f"dataset.index={index}: dataset.path={path} holds {len(files)} images, counted from 0.")
        return files[index].stem, read_image(files[index])

    return read


def folder_members(path: str | None) -> list[int]:
    """The numbers of a folder's images."""
    return list(range(len(_files(path))))


def kodak_members(root: str | None = None) -> list[int]:
    """Numbers of the Kodak suite: all 24, or those that lie beneath a local root."""
    return _present([f"kodim{index:02d}.png" for index in range(1, KODAK_COUNT + 1)], 1, root)


def div2k_members(root: str | None = None) -> list[int]:
    """Numbers of DIV2K's validation images: all 100, or those that lie beneath a local root."""
    return _present([f"{index:04d}.png" for index in DIV2K_VALIDATION], DIV2K_VALIDATION.start, root)


def cifar10_members(root: str | None = None) -> list[int]:
    """Numbers of the first training batch's 10,000 images, or of the image files beneath a local root."""
    files = [] if root is None else image_files(Path(root))
    return list(range(len(files) or len(cifar_records(locate(CIFAR10, root)))))


def _present(names: list[str], first: int, root: str | None) -> list[int]:
    """Numbers, counted from `first`, of the files that are beneath the root; all of them without a root."""
    here = None if root is None else {path.name for path in Path(root).rglob("*")}
    found = [number for number, name in enumerate(names, first) if here is None or name in here]
    if not found:
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

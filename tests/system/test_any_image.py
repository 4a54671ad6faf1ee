"""Any image file is trained on, judged, drawn and evaluated, and its results keep size, depth, alpha and profile."""

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from siren_pl.problems.pictures.images import read_image
from tests.conftest import Command
from tests.pictures import chunks, grey_profile, png, profile

RNG = np.random.default_rng(0)


def levels(height: int, width: int, channels: int, kind: type = np.uint8) -> np.ndarray:
    return RNG.integers(0, np.iinfo(kind).max, (height, width, channels), dtype=kind, endpoint=True)


def image(*shape: int) -> Image.Image:
    samples = levels(*shape)
    return Image.fromarray(samples[..., 0] if shape[-1] == 1 else samples)


def palette(**options: object):
    def write(path: Path) -> None:
        picture = image(5, 6, 3).quantize(4)
        picture.save(path, **options)

    return write


def turned(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    image(5, 8, 3).save(path, exif=exif, icc_profile=profile())


def deep_tiff(path: Path) -> None:
    tag = (34675, "B", len(profile()), profile(), True)
    tifffile.imwrite(path, levels(5, 6, 3, np.uint16), photometric="rgb", extratags=[tag])


# How each is written; then of the result: height, width, channels, depth, whether it has the profile.
FILES = {
    "grey.png": (lambda path: image(5, 6, 1).save(path, icc_profile=grey_profile()), (5, 6, 1, 8, True)),
    "colour.png": (lambda path: image(5, 6, 3).save(path, icc_profile=profile()), (5, 6, 3, 8, True)),
    "alpha.png": (lambda path: image(5, 6, 4).save(path, icc_profile=profile()), (5, 6, 4, 8, True)),
    "grey_alpha.png": (lambda path: image(5, 6, 2).save(path, icc_profile=grey_profile()), (5, 6, 4, 8, False)),
    "palette.png": (palette(), (5, 6, 3, 8, False)),
    "clear_palette.png": (palette(transparency=1), (5, 6, 4, 8, False)),
    "clear_palette.gif": (palette(transparency=1), (5, 6, 4, 8, False)),
    "one_bit.png": (lambda path: image(5, 6, 1).convert("1").save(path), (5, 6, 1, 8, False)),
    "grey_deep.png": (lambda path: path.write_bytes(png(levels(5, 6, 1, np.uint16))), (5, 6, 1, 16, False)),
    "colour_deep.png": (lambda path: path.write_bytes(png(levels(5, 6, 3, np.uint16))), (5, 6, 3, 16, False)),
    "alpha_deep.png": (lambda path: path.write_bytes(png(levels(5, 6, 4, np.uint16))), (5, 6, 4, 16, False)),
    "colour_deep.tif": (deep_tiff, (5, 6, 3, 16, True)),
    "turned.jpg": (turned, (8, 5, 3, 8, True)),
    "ink.jpg": (lambda path: image(5, 6, 4).convert("CMYK").save(path, icc_profile=b"x" * 200), (5, 6, 3, 8, False)),
    "row.png": (lambda path: image(1, 7, 3).save(path), (1, 7, 3, 8, False)),
    "column.png": (lambda path: image(7, 1, 1).save(path), (7, 1, 1, 8, False)),
    "dot.png": (lambda path: image(1, 1, 3).save(path), (1, 1, 3, 8, False)),
    "small.png": (lambda path: image(3, 5, 3).save(path), (3, 5, 3, 8, False)),
    "dot_deep.png": (lambda path: path.write_bytes(png(levels(1, 1, 3, np.uint16))), (1, 1, 3, 16, False)),
}
# A figure sees samples of some shape, not a file: each number of channels and each odd shape is drawn once.
DRAWN = ("grey.png", "colour.png", "alpha_deep.png", "row.png", "column.png", "dot.png", "small.png")


def check(path: Path, height: int, width: int, channels: int, depth: int, has_profile: bool) -> None:
    assert read_image(path).shape == (height, width, channels)
    assert chunks(path)[b"IHDR"][8] == depth  # bits per sample
    with Image.open(path) as picture:
        assert (picture.info.get("icc_profile") is not None) == has_profile
        if has_profile:
            assert picture.info["icc_profile"] == (grey_profile() if channels == 1 else profile())


@pytest.mark.parametrize("name", FILES)
def test_a_run_on_any_file(name: str, train: Command, evaluate: Command, request: pytest.FixtureRequest) -> None:
    if name not in DRAWN:
        request.getfixturevalue("few_figures")
    write, (height, width, *rest) = FILES[name]
    write(Path(name))
    given = ("dataset=image", f"dataset.path={name}", "dataset.size=null", "hydra.run.dir=run", "figures=true")
    ended = train(*given)
    assert ended.code == 0, ended.err
    stem = Path(name).stem
    check(Path(f"run/predictions/{stem}.png"), height, width, *rest)
    metrics = json.loads(Path("run/metrics.json").read_text())
    assert all(np.isfinite(value) for value in metrics.values()) and 0 <= metrics["clipped"] <= 1
    assert Path("run/figures/reconstruction.png").is_file()
    request.getfixturevalue("few_figures")  # evaluate.py draws the same ones
    assert evaluate("run=run").code == 0
    check(Path(f"run/evaluate/{height}x{width}/{stem}.png"), height, width, *rest)
    assert evaluate("run=run", "scale=2").code == 0
    check(Path(f"run/evaluate/{2 * height}x{2 * width}/{stem}.png"), 2 * height, 2 * width, *rest)
    assert evaluate("run=run", f"window=0,0,{height},{width}", "scale=3").code == 0
    check(Path(f"run/evaluate/window_0_0_{height}_{width}_scale_3/{stem}.png"), 3 * height, 3 * width, *rest)


@pytest.mark.parametrize("task", ["poisson_grad", "poisson_laplacian"])
@pytest.mark.parametrize("name", ["row.png", "column.png", "dot.png", "small.png", "alpha_deep.png"])
def test_derivatives_of_odd_pictures(task: str, name: str, train: Command) -> None:
    write, (height, width, *rest) = FILES[name]
    write(Path(name))
    ended = train(f"task={task}", "dataset=image", f"dataset.path={name}", "dataset.size=null", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    check(Path(f"run/predictions/{Path(name).stem}.png"), height, width, *rest)


def test_a_resized_picture_keeps_its_depth_and_a_grey_one_loses_the_profile_of_colour(train: Command) -> None:
    deep_tiff(Path("a.tif"))
    given = ("dataset=image", "dataset.path=a.tif")
    assert train(*given, "dataset.size=[3,4]", "hydra.run.dir=resized").code == 0
    check(Path("resized/predictions/a.png"), 3, 4, 3, 16, True)
    assert train(*given, "dataset.size=null", "dataset.grayscale=true", "hydra.run.dir=grey").code == 0
    check(Path("grey/predictions/a.png"), 5, 6, 1, 16, False)


def test_a_fitted_picture_of_16_bits_is_finer_than_8_bits(train: Command) -> None:
    """A ramp within two of the 256 levels: a picture of 8 bits would hold three of them at most."""
    ramp = np.linspace(30000, 30000 + 2 * 257, 64).astype(np.uint16).reshape(8, 8)
    Image.fromarray(ramp).save("ramp.png")
    given = ("dataset=image", "dataset.path=ramp.png", "dataset.size=null", "trainer.max_steps=60", "optimizer.lr=1e-3")
    assert train(*given, "hydra.run.dir=run").code == 0
    written = np.asarray(Image.open("run/predictions/ramp.png"))
    assert written.dtype == np.uint16 and len(np.unique(written)) > 20


def test_a_set_of_files_of_all_kinds(train: Command) -> None:
    """Each of its own shape or type, so each its own chunk; every one keeps what its file had."""
    for name in ("grey_deep.png", "alpha.png", "turned.jpg"):
        Path("folder").mkdir(exist_ok=True)
        FILES[name][0](Path("folder") / name)
    given = ("dataset=folder", "dataset.path=folder", "dataset.index=all", "dataset.size=null", "figures=true")
    ended = train(*given, "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    for name in ("grey_deep.png", "alpha.png", "turned.jpg"):
        stem = Path(name).stem
        check(Path(f"run/signals/{stem}/predictions/{stem}.png"), *FILES[name][1])
    assert Path("run/figures/signals.png").is_file()

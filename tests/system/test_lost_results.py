"""A fit that is done keeps its results: what is drawn, compared or titled comes after them, and may fail."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from siren_pl import plots
from siren_pl.problems.pictures import figures
from siren_pl.problems.pictures.rivals import poisson_solvers
from siren_pl.report.__main__ import main
from tests.conftest import Command, _invoke


def picture(path: str, seed: int = 0) -> str:
    """A small photograph of noise in a file; its path."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 6, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, format="png")
    return path


def taken(left_out: list[str]) -> str:
    """What was left out, in one text; the list is empty then."""
    told = "\n".join(left_out)
    left_out.clear()
    return told


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("dataset.size=[1,24]", "dataset.heldout=0.5", "figures=true"), "baseline/cubic"),
        (("dataset.stride=16",), "baseline/cubic"),
        (("task=inpainting", "model=siren", "dataset.size=[24,1]"), "baseline/cubic"),
    ],
)
def test_a_rival_that_fails_is_a_warning(
    options: tuple[str, ...], named: str, train: Command, left_out: list[str]
) -> None:
    ended = train(*options, "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    assert f"{named} is left out: " in taken(left_out) and named in ended.err and "Traceback" not in ended.err
    assert Path("run/status").read_text() == "finished\n"
    assert "psnr" in json.loads(Path("run/metrics.json").read_text())
    assert Path("run/predictions/camera.png").is_file()
    again = train("resume=run")
    assert again.code == 0 and "is finished" in again.err


def test_results_are_on_disk_before_a_rival_begins_and_a_figure_may_fail(
    train: Command, evaluate: Command, left_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, float]] = []

    def rival(*_: object, **__: object) -> None:
        seen.append(json.loads(Path(place, "metrics.json").read_text()))
        assert list(Path(place).rglob("camera.png"))
        raise MemoryError("too large")

    def figure(*_: object, **__: object) -> None:
        raise ValueError("cannot be drawn")

    monkeypatch.setattr(poisson_solvers, "gradient_solver", rival)
    monkeypatch.setattr(figures, "reconstruction", figure)
    place = "run"
    assert train("task=poisson_grad", "dataset=camera", "hydra.run.dir=run", "figures=true").code == 0
    place = "run/evaluate/16x16"
    assert evaluate("run=run").code == 0
    # What was on disk then is what is there at the end, but for the rivals.
    assert len(seen) == 2
    for metrics, where in zip(seen, ("run", place), strict=True):
        assert metrics["psnr"] == json.loads(Path(where, "metrics.json").read_text())["psnr"]
    told = taken(left_out)
    assert told.count("baseline/poisson_solver is left out: MemoryError: too large") == 2
    assert told.count("figures/reconstruction.png is left out: ValueError: cannot be drawn") == 2
    for where in ("run", place):
        assert "baseline/pointwise_ceiling/psnr" in json.loads(Path(where, "metrics.json").read_text())
        assert Path(where, "figures/derivatives.png").is_file()
    assert Path("run/status").read_text() == "finished\n"


def test_signs_of_markup_and_of_formulas_in_names_are_letters(
    train: Command, few_figures: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Overrides are titles of tables, swept values stand on axes, files on panels: in runs, sweeps and the report."""
    sources = [Path(picture(f"{name}.png", seed)).resolve() for seed, name in enumerate(("a$5_x_6$", "b:cat:"))]
    options = ("task=poisson_edit", "dataset=camera", "figures=true", "hydra.sweep.dir=sweep")
    swept = ",".join(f"['{source}']" for source in sources)
    ended = train("-m", *options, f"task.sources={swept}")
    assert ended.code == 0, ended.err
    for job, source in enumerate(sources):
        assert Path(f"sweep/{job}/status").read_text() == "finished\n"
        assert str(source) in ended.err.replace("\n", "")
        assert Path(f"sweep/{job}/figures/poisson_edit.png").stat().st_size > 0
    assert list(Path("sweep/figures").glob("*.png"))
    assert _invoke(main, ["sweep", "output=here"], "report", monkeypatch, capfd).code == 0


def test_a_figure_of_a_sweep_may_fail(train: Command, left_out: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def figure(*_: object) -> None:
        raise ValueError("cannot be drawn")

    monkeypatch.setattr(plots, "sweep", figure)
    ended = train("-m", "seed=0,1", "hydra.sweep.dir=sweep")
    assert ended.code == 0, ended.err
    assert "figures/psnr_over_seed.png is left out" in taken(left_out)
    assert Path("sweep/summary.csv").is_file()


def test_statistics_of_layers_of_a_set_and_of_tiles(train: Command, left_out: list[str]) -> None:
    for seed, name in enumerate("ab"):
        picture(f"images/{name}.png", seed)
    given = ("dataset=folder", "dataset.path=images", "dataset.size=null", "layer_statistics=true")
    assert train(*given, "hydra.run.dir=set").code == 0
    assert train(*given, "dataset.index=1", "hydra.run.dir=alone").code == 0
    one, other = (json.loads(Path(run, "layers.json").read_text()) for run in ("set/signals/b", "alone"))
    for stage in ("initial", "final"):
        assert len(one[stage]) == len(other[stage]) == 3
        for row, expected in zip(one[stage], other[stage], strict=True):
            assert row == pytest.approx(expected, rel=1e-3)
    first = json.loads(Path("set/signals/a/layers.json").read_text())
    assert first["initial"] == one["initial"] and first["final"] != one["final"]
    ended = train(*given, "dataset.index=1", "model=tiles", "model.tiles=2", "hydra.run.dir=tiles")
    assert ended.code == 0, ended.err
    assert "model.tiles=1 with model.members=1" in taken(left_out)
    assert Path("tiles/metrics.json").is_file()


def test_names_of_a_set_are_apart_and_stay_in_their_place(train: Command) -> None:
    for seed, name in enumerate(("a", "x/a", "z/0000_a", "A")):
        picture(f"images/{name}.png", seed)
    picture("images/...png")
    for hidden in ("._a.png", "x/._a.png"):
        Path("images", hidden).write_bytes(b"Mac OS X")
    (Path("images") / "album.png").mkdir()
    ended = train("dataset=folder", "dataset.path=images", "hydra.run.dir=run", "figures=true")
    assert ended.code == 0, ended.err
    homes = sorted(path.name for path in Path("run/signals").iterdir())
    assert len({name.casefold() for name in homes}) == 4
    assert json.loads(Path("run/metrics.json").read_text())["signals"] == 4
    assert "index: all" in Path("run/.hydra/config.yaml").read_text()
    for home in homes:
        assert list(Path("run/signals", home, "predictions").glob("*.png"))


@pytest.mark.parametrize("name", ["...", ". .", "a b", "été"])
def test_a_picture_s_name_is_that_of_a_file_in_the_run(name: str, train: Command) -> None:
    picture(f"{name}.png")
    before = set(Path().iterdir())
    ended = train("dataset=image", f"dataset.path='{name}.png'", "hydra.run.dir=run")
    assert ended.code == 0, ended.err
    (written,) = Path("run/predictions").iterdir()
    assert written.suffix == ".png" and not written.name.startswith(".")
    assert {path.name for path in set(Path().iterdir()) - before} <= {"run", "caches"}


def test_a_logger_that_fails_at_the_end_loses_nothing(
    train: Command, left_out: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from siren_pl.runs.loggers import Table

    def close(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(Table, "close", close)
    assert train("hydra.run.dir=run", logger="csv").code == 0
    assert "no space left" in taken(left_out) and Path("run/status").read_text() == "finished\n"

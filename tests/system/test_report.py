"""`python -m siren_pl.report` on real runs: what is on the pages, and what it says of bad input."""

import importlib.util
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfReader

from siren_pl.report.__main__ import main
from tests.conftest import Command, Ended, _invoke

Report = Callable[..., Ended]


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Report:
    """`report("sweep")` is `python -m siren_pl.report sweep`."""
    return lambda *arguments: _invoke(main, list(arguments), "report", monkeypatch, capfd)


def text_of(pdf: Path) -> str:
    """The PDF's words, however its lines are broken."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(pdf).pages).split())


def words_of(html: Path) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.read_text()).split())


def test_a_sweep_becomes_a_pdf_and_a_page(train: Command, report: Report) -> None:
    """Numbers of metrics.json are in both; both carry their pictures; the page asks the network for nothing."""
    train("-m", "model.omega_0=5,30", "seed=0,1", "dataset.heldout=0.3", "hydra.sweep.dir=sweep")
    layers = [
        {"layer": layer, "input_std": 1.0, "preactivation_std": 1.0, "preactivation_high": 2.0} for layer in (0, 1)
    ]
    Path("sweep/0/layers.json").write_text(json.dumps({"initial": layers, "final": layers}))
    ended = report("sweep")
    assert ended.code == 0, ended.err
    pdf, html = (Path(line) for line in ended.out.split())
    assert (pdf, html) == (Path("outputs/report/report.pdf"), Path("outputs/report/report.html"))
    for text in (text_of(pdf), words_of(html)):
        for omega, jobs in ((5, (0, 1)), (30, (2, 3))):
            scores = [json.loads(Path(f"sweep/{job}/metrics.json").read_text())["heldout_psnr"] for job in jobs]
            assert f"omega_0={omega}" in text
            assert f"{sum(scores) / 2:.2f} ± {abs(scores[0] - scores[1]) / 2:.2f}" in text
        for caption in ("PSNR over steps", "PSNR over model.omega_0", "statistics of the layers", "target, and fields"):
            assert re.search(rf"Figure \d\. image_fit: {re.escape(caption)}", text), caption
        assert re.search(r"Table \d\. image_fit, images resized bilinear: mean ± standard error over 2 seeds", text)
        assert "biharmonic" in text and "Implicit Neural Representations" in text
        assert "python train.py -m" in text and "model.omega_0=5,30" in text
    page = html.read_text()
    assert page.count("data:image/png;base64,") >= 4
    assert not re.search(r"""(src|href)\s*=\s*["'](?!data:)|url\(|@import|https?://""", page)
    assert sum(len(leaf.images) for leaf in PdfReader(pdf).pages) >= 4


def test_tasks_single_runs_and_divergence_share_a_document(train: Command, report: Report) -> None:
    train("-m", "task=image_fit,poisson_grad", "hydra.sweep.dir=tasks")
    arguments = ("optimizer.lr=1e-3,1e30", "trainer.max_steps=20", "optimizer.warmup=0", "sweep.allow_divergence=true")
    train("-m", *arguments, "hydra.sweep.dir=rates")
    train("model=relu", "hydra.run.dir=alone")
    ended = report("tasks", "alone", "rates", "output=here")
    assert ended.code == 0, ended.err
    text = text_of(Path("here/report.pdf"))
    assert "PSNR up to a constant (dB)" in text and "poisson solver" in text
    assert "lr=1e+30 diverged in 1 of 1 runs" in text
    assert "One setting (single runs)" in text
    assert "first kaiming_normal" in text and "Delving Deep into Rectifiers" in text  # the ReLU network's own scheme


def test_pictures_whose_data_is_gone_are_left_out_with_a_line(train: Command, report: Report) -> None:
    Image.new("L", (20, 20), 99).save("photo.png")
    assert train("dataset=image", "dataset.path=photo.png", "hydra.run.dir=run").code == 0
    Path("photo.png").unlink()
    assert report("run", "output=here").code == 0
    text = text_of(Path("here/report.pdf"))
    assert "Pictures of siren are left out" in text and "photo.png" in text


def test_a_set_is_reported_by_image(train: Command, report: Report) -> None:
    Path("photos").mkdir()
    for level in (20, 200):
        Image.linear_gradient("L").point(lambda value, level=level: value * level // 255).save(f"photos/{level}.png")
    assert train("dataset=folder", "dataset.path=photos", "hydra.run.dir=run").code == 0
    assert report("run", "output=here").code == 0
    assert "mean ± standard error over 2 images" in text_of(Path("here/report.pdf"))


def test_bad_input_is_one_paragraph(report: Report, train: Command) -> None:
    Path("nothing").mkdir()
    ended = report("nothing")
    assert ended.code == 1 and "nothing is neither a run nor a sweep" in ended.paragraph
    train("hydra.run.dir=run")
    Path("run/status").write_text("running\n")
    ended = report("run")
    assert ended.code == 1 and "train.py resume=run" in ended.paragraph
    assert "Traceback" not in ended.err and not Path("outputs/report").exists()


def test_a_missing_package_names_the_extra(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    ended = report("sweep")
    assert ended.code == 1 and "pip install siren-pl[report]" in ended.paragraph


def test_the_field_of_another_tree_is_not_trusted(train: Command, report: Report) -> None:
    """A configuration that names code which is not allowed runs none of it, and no page is written of it."""
    train("hydra.run.dir=run")
    shutil.copytree("run", "foreign")
    config = Path("foreign/.hydra/config.yaml")
    config.write_text(config.read_text().replace("siren_pl.problems.pictures.images.bundled", "os.system"))
    ended = report("foreign", "output=here")
    assert ended.code == 1 and not Path("here").exists()
    assert "os.system by dataset.signal.source" in ended.paragraph

"""docs/extending.md is run as it stands: its files are written out, and its network, task and dataset are trained."""

import re
import sys
from pathlib import Path

import pytest

from siren_pl.runs import directory as run_directory
from tests.conftest import Command

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "extending.md"


@pytest.fixture(autouse=True)
def written_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for block in re.findall(r"```(?:python|yaml)\n(# file: .*?)```", GUIDE.read_text(), flags=re.DOTALL):
        head, body = block.split("\n", 1)
        path = Path(head.removeprefix("# file: "))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(body)
    monkeypatch.syspath_prepend(str(Path.cwd()))  # also forgets what the import system knew of directories
    for name in [name for name in sys.modules if name.split(".")[0] == "mine"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    "overrides",
    [
        ("model=quadratic",),
        ("model=quadratic", "task=poisson_laplacian"),
        ("task=robust_fit",),
        ("task=spectrum_fit", "figures=true"),
        ("task=worst_fit",),
        ("dataset=checkerboard", "model=quadratic", "task=robust_fit"),
    ],
    ids="+".join,
)
def test_the_guides_code_trains(overrides: tuple[str, ...], train: Command) -> None:
    assert train("--config-dir", "my_conf", *overrides, "hydra.run.dir=here").code == 0
    metrics = run_directory.read_metrics(Path("here"))
    assert metrics[next(iter(run_directory.read_measures(Path("here"))))] > 0
    if "task=spectrum_fit" in overrides:
        assert Path("here/predictions/spectrum.npy").is_file() and Path("here/figures/spectrum.png").is_file()


def test_the_guides_run_is_evaluated_on_trust(train: Command, evaluate: Command) -> None:
    train("--config-dir", "my_conf", "model=quadratic", "hydra.run.dir=here")
    assert "trust=mine" in evaluate("run=here").paragraph
    assert evaluate("run=here", "trust=mine").code == 0

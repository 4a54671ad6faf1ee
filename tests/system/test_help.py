"""`train.py --help` names members as one types them and says what every key does."""

import re
from pathlib import Path

import pytest

from siren_pl.commands import help_text
from siren_pl.runs.keys import conf_directory
from tests.conftest import Command

# A key and its value, and behind them, or below where they are long, what it does.
KEY = re.compile(r"^  (?P<key>[\w.]+)=\S*(?P<said> +\S|\n {20,}\S)?", flags=re.MULTILINE)
MEMBERS = [
    f"{path.parent.name}={path.stem}"
    for path in sorted(conf_directory().glob("*/*.yaml"))
    if not path.name.startswith("_")
]


def parts(said: str) -> tuple[list[str], str]:
    groups, keys = said.split("Keys, as composed now:")
    return groups.split("Groups (choose a member):")[1].split(), keys


def test_members_are_named_as_one_types_them(train: Command) -> None:
    ended = train("--help")
    members, keys = parts(ended.out)
    assert ended.code == 0 and not ended.err
    assert {"experiment=ablation/depth", "experiment=paper/poisson_grad", "model=siren", *MEMBERS} <= set(members)
    assert not any(name in ended.out for name in ("_image", "_perceptron", "_schemes", "_target_", "hydra"))
    assert "model.omega_0=auto " in keys and "from the density of the observed samples" in keys


@pytest.mark.parametrize("chosen", MEMBERS)
def test_every_key_says_what_it_does(chosen: str) -> None:
    _, keys = parts(help_text.text([chosen]))
    found = {match["key"]: match["said"] for match in KEY.finditer(keys)}
    assert len(found) > 40 and [key for key, said in found.items() if not said] == []


def test_help_tells_of_the_task_that_is_asked_for(train: Command) -> None:
    said = train("task=inpainting", "task.keep=0.25", "-h").out
    assert re.search(r"task\.keep=0\.25 +fraction of the pixels that is known", said) and "task.stencil" not in said


def test_members_of_ones_own_are_listed(train: Command) -> None:
    Path("own/task").mkdir(parents=True)
    Path("own/task/mine.yaml").write_text("strength: 2 # how much\n")
    members, keys = parts(train("--config-dir", "own", "task=mine", "task.strength=3", "--help").out)
    assert "task=mine" in members and "task=image_fit" in members and re.search(r"task\.strength=3 +how much", keys)

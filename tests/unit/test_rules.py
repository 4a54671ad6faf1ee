"""Rules of keys admit the right values, convert them, and describe them in messages."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from siren_pl.errors import UserError
from siren_pl.runs.keys import conf_directory
from siren_pl.runs.rules import checked, require_readable, words

COUNT = {"whole": True, "from": 1}
SIZE = COUNT | {"or": [None, {"list": [COUNT, COUNT]}]}

# rule, value, what it becomes
ADMITTED: list[tuple[dict, Any, Any]] = [
    ({"above": 0}, 3, 3.0),
    ({"above": 0}, "3.5", 3.5),
    (COUNT, 1e4, 10_000),
    (COUNT, "12", 12),
    ({"whole": True}, 2**63 - 1, 2**63 - 1),
    ({"above": 0, "auto": "some.rule"}, "auto", "auto"),
    ({"from": 0, "below": 1}, 0, 0.0),
    ({"above": 0, "to": 0.5}, 0.5, 0.5),
    (SIZE, None, None),
    (SIZE, 4e0, 4),
    (SIZE, [4.0, 5], [4, 5]),
    ({"one_of": ["auto", True, False]}, True, True),
    ({"list_of": {"text": True}}, ["a", "b"], ["a", "b"]),
    ({"text": True, "or": [None]}, None, None),
    ({}, {"any": ["thing"]}, {"any": ["thing"]}),
]
REFUSED: list[tuple[dict, Any]] = [
    *[({"above": 0}, value) for value in (0, -1, True, "abc", None, [1], float("nan"), float("inf"), 10**400)],
    *[(COUNT, value) for value in (0, 1.5, True, "1.5", float("inf"), 2**63, 1e30)],
    *[(SIZE, value) for value in ([4], [4, 5, 6], [True, 4], [0, 4], "full")],
    *[({"from": 0, "below": 1}, value) for value in (1, -0.1, False)],
    *[({"above": 0, "to": 0.5}, value) for value in (0, 0.51)],
    *[({"one_of": ["auto", True, False]}, value) for value in (1, 0, "true", None)],
    *[({"list_of": {"text": True}}, value) for value in ("a", [1], None)],
    ({"one_of": [None]}, "sweep"),
]


@pytest.mark.parametrize(("rule", "value", "becomes"), ADMITTED)
def test_what_a_rule_admits_and_what_it_becomes(rule: dict, value: Any, becomes: Any) -> None:
    found = checked(value, rule)
    assert found == becomes and type(found) is type(becomes)


@pytest.mark.parametrize(("rule", "value"), REFUSED)
def test_what_a_rule_refuses(rule: dict, value: Any) -> None:
    with pytest.raises(ValueError):
        checked(value, rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (COUNT, "a whole number from 1"),
        ({"above": 0}, "a positive number"),
        ({"above": 0, "auto": "some.rule"}, "a positive number, or auto"),
        ({"from": 1, "to": 16, "of": "a number of points"}, "a number of points from 1 to 16"),
        ({"from": 0, "below": 1, "of": "a fraction"}, "a fraction from 0 up to, not including, 1"),
        ({"one_of": ["auto", True, False]}, "auto, true or false"),
        (SIZE, "a whole number from 1, null, or [a whole number from 1,a whole number from 1]"),
        (SIZE | {"words": "pixels"}, "pixels"),
    ],
)
def test_a_range_in_words(rule: dict, said: str) -> None:
    assert words(rule) == said


def test_a_rule_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"model\.rules\.a says form, but a rule is made of from, above"):
        require_readable({"form": 0}, "model.rules.a")


def rules_of(node: Any) -> list[dict]:
    """Every rule of a YAML file."""
    found = list(node.get("rules", {}).values()) if isinstance(node, dict) else []
    return found + [rule for child in node.values() for rule in rules_of(child)] if isinstance(node, dict) else []


@pytest.mark.parametrize("file", sorted(conf_directory().rglob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_rules_can_be_read_and_said(file: Path) -> None:
    for rule in rules_of(yaml.safe_load(file.read_text())):
        require_readable(rule, str(file))
        assert not rule or words(rule)

"""The rules in a YAML file that say which values a key may hold; they are read without importing anything heavy.

    hidden_layers: {whole: true, from: 0}
    omega_0: {above: 0, auto: siren_pl.field.networks.mlp.omega_rule}
    size: {whole: true, from: 1, or: [null, {list: [{whole: true, from: 1}, {whole: true, from: 1}]}]}

A number has bounds: `from` and `to` are included, `above` and `below` are not; `whole` numbers are below 2^63. `one_of`
lists literals, `or` literals or further rules. `text` is any text, `list` has one entry per rule, `list_of` any number
of entries. `auto` admits that word and names the function that settles it. In messages, `of` is the noun of a range and
`words` replaces its whole description. An empty rule admits everything and says that the key is read.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from siren_pl.errors import UserError

Rule = Mapping[str, Any]

AUTO = "auto"
_BOUNDS = {"from": operator.ge, "above": operator.gt, "to": operator.le, "below": operator.lt}
_OTHERS = ("whole", "one_of", "text", "list", "list_of", "or", AUTO, "of", "words")
# The type that each word of a rule takes; bounds take numbers.
_SAID = dict.fromkeys(("whole", "text"), bool) | dict.fromkeys(("one_of", "list", "or"), list)
_SAID |= dict.fromkeys((AUTO, "of", "words"), str) | {"list_of": dict}
# Upper limit, exclusive, of a tensor's size along an axis and of a seed.
_END_OF_WHOLE = 2**63


def require_readable(rule: Any, place: str) -> None:
    """Refuse a malformed rule.

    Raises:
        UserError: Naming where the rule is.
    """
    known = (*_BOUNDS, *_OTHERS)
    unknown = [str(word) for word in rule if word not in known] if isinstance(rule, Mapping) else [str(rule)]
    if unknown:
        raise UserError(f"{place} says {', '.join(unknown)}, but a rule is made of {', '.join(known)}.")
    for word, said in rule.items():
        wanted = _SAID.get(word, (int, float))
        if not isinstance(said, wanted) or (wanted == (int, float) and isinstance(said, bool)):
            raise UserError(f"{place}.{word}={said} is not what a rule says there: restore it.")
    entries = [*rule.get("list", ()), *([rule["list_of"]] if "list_of" in rule else [])]
    for entry in [*entries, *(other for other in rule.get("or", ()) if isinstance(other, Mapping))]:
        require_readable(entry, place)


def checked(value: Any, rule: Rule) -> Any:
    """The value converted as the rule wants it: 1e4 becomes 10000 where a whole number is wanted.

    Raises:
        ValueError: The rule does not admit it.
    """
    alternatives = rule.get("or", ())
    literals = [*rule.get("one_of", ()), *alternatives, *([AUTO] if AUTO in rule else [])]
    if not rule or any(type(value) is type(literal) and value == literal for literal in literals):
        return value
    for other in (other for other in alternatives if isinstance(other, Mapping)):
        try:
            return checked(value, other)
        except ValueError:
            continue
    kind = next((kind for word, kind in _KINDS.items() if word in rule), None)
    if kind is None:
        raise ValueError(value)
    return kind(value, rule)


def words(rule: Rule) -> str:
    """A description of what a rule admits."""
    if "words" in rule:
        return rule["words"]
    others = [*rule.get("or", ()), *([AUTO] if AUTO in rule else [])]
    told = [words(other) if isinstance(other, Mapping) else as_typed(other) for other in others]
    if "one_of" in rule:
        *first, last = [*map(as_typed, rule["one_of"]), *told]
        return f"{', '.join(first)} or {last}" if first else last
    *first, last = [_range(rule), *told]
    return f"{', '.join(first)}, or {last}" if first else last


def _number(value: Any, rule: Rule) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise ValueError(value)  # Python would take true for 1
    number = int(value) if isinstance(value, int) else float(value)
    if rule.get("whole"):
        if not math.isfinite(number) or number != int(number) or number >= _END_OF_WHOLE:
            raise ValueError(value)
        number = int(number)
    else:
        try:
            number = float(number)
        except OverflowError as error:
            raise ValueError(value) from error
    if not math.isfinite(number) or not all(fits(number, rule[word]) for word, fits in _BOUNDS.items() if word in rule):
        raise ValueError(value)
    return number


def _text(value: Any, _: Rule) -> str:
    if not isinstance(value, str):
        raise ValueError(value)
    return value


def _list(value: Any, rule: Rule) -> list[Any]:
    entries = rule.get("list", [rule["list_of"]] * len(value) if isinstance(value, list) and "list_of" in rule else [])
    if not isinstance(value, list) or len(value) != len(entries):
        raise ValueError(value)
    return [checked(entry, each) for entry, each in zip(value, entries, strict=True)]


_KINDS: dict[str, Callable[[Any, Rule], Any]] = dict.fromkeys(("list", "list_of"), _list) | {"text": _text}
_KINDS |= dict.fromkeys((*_BOUNDS, "whole"), _number)


def _range(rule: Rule) -> str:
    """A description of the rule's own kind, without its alternatives."""
    if "list" in rule:
        return f"[{','.join(map(words, rule['list']))}]"
    if "list_of" in rule:
        return f"[a,list,of,{words(rule['list_of'])}]"
    noun = rule.get("of", "a text" if "text" in rule else "a whole number" if rule.get("whole") else "a number")
    if rule.get("above") == 0 and len(_BOUNDS.keys() & rule.keys()) == 1:
        return noun.replace("a ", "a positive ", 1)
    lower = next((f" {word} {rule[word]}" for word in ("from", "above") if word in rule), "")
    upper = f" to {rule['to']}" if "to" in rule else ""
    return noun + lower + (f" up to, not including, {rule['below']}" if "below" in rule else upper)


def as_typed(value: Any) -> str:
    """A value as a user would type it."""
    if isinstance(value, list):
        return f"[{', '.join(map(as_typed, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

"""How a result is judged: quickly while it is fitted, thoroughly when it is done, by one object for both.

What is judged is an *answer*: what the fields say of the thing that a user asked for (aligned values, warped frames, a
mesh). A classical method's answer is of the same kind, so that it is judged by the same rule.
"""

from __future__ import annotations

from typing import Any, Protocol

Metrics = dict[str, float]


class Judge(Protocol):
    """Compares an answer with what is known."""

    def quick(self, answer: Any) -> Metrics:
        """The few numbers that progress shows, in about a second; empty where nothing is known to compare with."""
        ...

    def judge(self, answer: Any) -> Metrics:
        """Every metric of an answer."""
        ...

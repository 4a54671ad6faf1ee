"""Ways to differentiate a field: strategies with one signature, chosen by passing an object.

`strategy(field, coords, order, groups, directions)` returns a `Jet` of that order, whether it carries jets forward,
takes a vector-Jacobian product or nests autograd. The strategies agree to rounding; they differ in cost.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from typing_extensions import override

from siren_pl.field import jet
from siren_pl.field.jet import Groups, Jet


class Derivatives(ABC):
    """A way to evaluate a field together with its derivatives.

    Values need no derivatives, and derivatives along given directions are always carried forward; a strategy says how
    derivatives along the axes are taken.
    """

    def __call__(
        self,
        field: Callable,
        coords: Tensor,
        order: int,
        groups: Groups | None = None,
        directions: Tensor | None = None,
    ) -> Jet:
        """Evaluate the field at coords (N, D) and return its jet of the given order (0, 1 or 2).

        Derivatives are taken along the axes, or along `directions`, (M, D) or (M, N, D).
        """
        field = self.wrapped(field, coords.device)
        if order == 0:
            return Jet(field(coords))
        if directions is not None:
            return field(jet.seed(coords, order, groups, directions))
        return self.along_axes(field, coords, order, groups)

    def wrapped(self, field: Callable, device: torch.device) -> Callable:
        """The field as it is evaluated on a device; by default it is unchanged."""
        return field

    @abstractmethod
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        """Evaluate the field and its derivatives of order 1, or of orders 1 and 2, along the axes."""


@dataclass(frozen=True)
class ForwardDerivatives(Derivatives):
    """Carry the jet through the network: one forward and one ordinary backward pass, at the cost of 1 + D + K streams.

    Raises:
        TypeError: The network uses a torch operation that has no jet rule; the message says what to do.

    >>> field = lambda x: jet.multiply(x, x)
    >>> ForwardDerivatives()(field, torch.tensor([[3.0]]), order=2).laplacian
    tensor([[2.]])
    """

    @override
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        return field(jet.seed(coords, order, groups))


@dataclass(frozen=True)
class ReverseDerivatives(Derivatives):
    """Compute the gradient by one vector-Jacobian product per channel: cheapest when C < D; order 1 at most.

    It uses `torch.func.vjp`, because `autograd.grad(create_graph=True)` needs a double backward pass, which
    `torch.compile` does not have.

    >>> field = lambda x: x.prod(-1, keepdim=True)  # y x, whose gradient is (x, y)
    >>> ReverseDerivatives()(field, torch.tensor([[2.0, 5.0]]), order=1).gradient.flatten()
    tensor([5., 2.])
    """

    @override
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        """Evaluate the field and its gradient.

        Raises:
            ValueError: The order is 2.
        """
        if order > 1:
            raise ValueError(
                "reverse derivatives stop at order 1: choose derivatives=forward (or auto) for a Laplacian"
            )
        value, pull_back, *_ = torch.func.vjp(field, coords)
        gradients = []
        for channel in range(value.shape[-1]):
            cotangent = torch.zeros_like(value)
            cotangent[..., channel] = 1
            gradients.append(pull_back(cotangent)[0])  # (N, D)
        return Jet(value, torch.stack(gradients, dim=-1).movedim(-2, 0))  # (N, D, C) -> (D, N, C)


@dataclass(frozen=True)
class AutogradDerivatives(Derivatives):
    """Nest `autograd.grad`: slow, never compiled, right for any module. Used as the tests' oracle and as a fallback.

    Users name it for a module that has no jet rules.

    >>> AutogradDerivatives()(torch.exp, torch.zeros(1, 1), order=2).laplacian.item()  # torch.exp has no jet rule
    1.0
    """

    @override
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        track = torch.is_grad_enabled()
        with torch.inference_mode(False), torch.enable_grad():
            # Coordinates that were computed from something else (a warp) must keep their graph.
            points = coords.clone() if coords.requires_grad else coords.detach().clone().requires_grad_()
            value = field(points)
            gradient = _gradient(value, points)  # (D, N, C)
            if order == 1:
                kept = [part if track else part.detach() for part in (value, gradient)]
                return Jet(kept[0], kept[1])
            groups = groups or jet.laplacian_groups(coords.shape[-1])
            pure = torch.stack([_gradient(stream, points)[axis] for axis, stream in enumerate(gradient)])
            second = jet.weighted(groups, pure.unbind(0))
        value, gradient, second = (part if track else part.detach() for part in (value, gradient, second))
        return Jet(value, gradient, second, groups)


def _gradient(values: Tensor, points: Tensor) -> Tensor:
    """Derivatives (D, N, C) of values (N, C) at points (N, D); they can be differentiated again."""
    channels = []
    for channel in values.unbind(-1):
        slope = None
        if channel.requires_grad:
            (slope,) = torch.autograd.grad(channel.sum(), points, create_graph=True, allow_unused=True)
        channels.append(torch.zeros_like(points) if slope is None else slope)  # a constant has slope zero
    return torch.stack(channels, dim=-1).movedim(-2, 0)


@dataclass(frozen=True)
class AutoDerivatives(Derivatives):
    """Choose the cheapest strategy: reverse for gradients of fields with C < D along the axes, otherwise forward.

    Attributes:
        out_features: Channels of the field; the rule needs it before the field is evaluated.
    """

    out_features: int

    @override
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        few_channels = order == 1 and self.out_features < coords.shape[-1]
        strategy = ReverseDerivatives() if few_channels else ForwardDerivatives()
        return strategy(field, coords, order, groups)


@dataclass(frozen=True)
class RoundedDerivatives(Derivatives):
    """Apply a strategy to a field whose wide matrix products are computed in bfloat16 (see `products`).

    Autocast wraps only the field: a backward pass inside it would round every product once more.

    Attributes:
        exact: The strategy to apply.
    """

    exact: Derivatives

    @override
    def wrapped(self, field: Callable, device: torch.device) -> Callable:
        def rounded(points: Tensor | Jet) -> Any:
            with torch.autocast(device.type, torch.bfloat16):
                return field(points)

        return rounded

    @override
    def along_axes(self, field: Callable, coords: Tensor, order: int, groups: Groups | None) -> Jet:
        return self.exact.along_axes(field, coords, order, groups)

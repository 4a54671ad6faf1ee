"""Jets: the value, the gradient and the second derivatives of a field at given coordinates.

A plain tensor is a jet of order 0. Networks are written once, over the few operations of this file
(`linear`, `elementwise`, `multiply`, `add`, `concat`), each of which accepts tensors or jets. Derivatives with
respect to the coordinates then travel forward beside the value, so that a loss on gradients or on a
Laplacian needs one ordinary backward pass and nothing is differentiated twice.

Letters: N points, C channels, D directions of differentiation (the axes unless others are seeded),
K groups of second derivatives. Batch axes, if any, come before N.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

import torch
from torch import Tensor

from siren_pl.field import products
from siren_pl.field.products import widened

Groups = tuple[tuple[float, ...], ...]


class Activation(NamedTuple):
    """A scalar function with its first and second derivative, all acting element by element."""

    f: Callable[[Tensor], Tensor]
    df: Callable[[Tensor], Tensor]
    ddf: Callable[[Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Jet:
    """A field and its derivatives at N points.

    Attributes:
        value: The field, shape (N, C).
        gradient: First derivatives along each direction, shape (D, N, C); None at order 0. The derivative
            axis comes first, so that a linear layer acts on it unchanged.
        second: `second[k] = sum_d groups[k][d] * d2 value / dx_d2`, shape (K, N, C); None below order 2.
        groups: K rows of D weights. One row of ones is the Laplacian; the identity gives every pure second
            derivative; ((1, 0, 0), (0, 1, 1)) separates tt from xx + yy.
    """

    value: Tensor
    gradient: Tensor | None = None
    second: Tensor | None = None
    groups: Groups = ()

    @property
    def order(self) -> int:
        """The highest derivative carried: 0, 1 or 2."""
        return 0 if self.gradient is None else 1 if self.second is None else 2

    @property
    def laplacian(self) -> Tensor:
        """The Laplacian, shape (N, C): the sum of the groups, which must cover every direction once.

        Raises:
            ValueError: The jet has no second derivatives, or its groups do not add up to the Laplacian.
        """
        if self.second is None or {sum(column) for column in zip(*self.groups, strict=True)} != {1.0}:
            raise ValueError("this jet does not hold the Laplacian: evaluate the field with order=2 and groups=None")
        return self.second.sum(0)

    @classmethod
    def __torch_function__(cls, func: Callable[..., object], *_: object, **__: object) -> NoReturn:
        """Refuse torch functions that have no jet rule, and say what to do instead."""
        cls._refuse(f"torch's `{getattr(func, '__name__', func)}`")

    def _operator(self, *_: object) -> NoReturn:
        """Refuse Python's operators, which a user's own network may apply first."""
        self._refuse("an operator such as + or *")

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _operator
    __matmul__ = __rmatmul__ = __pow__ = __neg__ = __getitem__ = _operator

    @staticmethod
    def _refuse(what: str) -> NoReturn:
        raise TypeError(
            f"{what} has no derivative rule for a Jet. Write the network with the operations of "
            "siren_pl.field.jet (linear, elementwise, multiply, add, concat), or differentiate it by nested autograd: "
            "pass AutogradDerivatives() in Python, derivatives=autograd on the command line."
        )


def _same_groups(*jets: Jet) -> Groups:
    """The groups of the jets, which must be equal."""
    if len({jet.groups for jet in jets}) > 1:
        raise ValueError(f"jets of different groups do not mix: {[jet.groups for jet in jets]}")
    return jets[0].groups


def laplacian_groups(directions: int) -> Groups:
    """The one group that sums the second derivatives along every direction."""
    return ((1.0,) * directions,)


def seed(coords: Tensor, order: int, groups: Groups | None = None, directions: Tensor | None = None) -> Jet:
    """Start a jet at the coordinates themselves: the identity field.

    Args:
        coords: Points, shape (N, D).
        order: 0, 1 or 2.
        groups: Second derivatives to keep apart (see `Jet.groups`); None asks for the Laplacian.
        directions: Directions of differentiation, shape (M, D), or (M, N, D) if every point has its own; None takes
            the D axes. Mixed derivatives follow by polarisation: 4 d2/dxdy = (second along x + y) - (second along
            x - y).

    Returns:
        A jet whose derivatives have one row for all points, which broadcasts until the first non-linearity; if every
        point has its own directions, they have a row per point.

    >>> x = seed(torch.tensor([[3.0]]), order=2)
    >>> square = multiply(x, x)
    >>> square.value.item(), square.gradient.item(), square.laplacian.item()
    (9.0, 6.0, 2.0)
    """
    if order == 0:
        return Jet(coords)
    if directions is None:
        directions = torch.eye(coords.shape[-1], dtype=coords.dtype, device=coords.device)
    if directions.dim() <= coords.dim():  # shared by all points: (M, D) -> (M, 1, D)
        directions = directions.reshape(directions.shape[0], *[1] * (coords.dim() - 1), -1)
    gradient = directions.to(coords)
    if order == 1:
        return Jet(coords, gradient)
    groups = groups or laplacian_groups(directions.shape[0])
    if any(len(row) != directions.shape[0] for row in groups):
        raise ValueError(f"each group needs one weight per direction ({directions.shape[0]}), got {groups}")
    second = torch.zeros_like(gradient[:1]).expand(len(groups), *gradient.shape[1:])
    return Jet(coords, gradient, second, tuple(tuple(float(w) for w in row) for row in groups))


def weighted(groups: Groups, streams: Sequence[Tensor]) -> Tensor:
    """Sum D streams into K groups; the weights are Python numbers, so that a compiler sees constants."""
    return torch.stack([_combine(row, streams) for row in groups])


def _combine(row: tuple[float, ...], streams: Sequence[Tensor]) -> Tensor:
    """The weighted sum of the streams whose weight is not zero."""
    terms = [stream if weight == 1 else weight * stream for weight, stream in zip(row, streams, strict=True) if weight]
    return sum(terms[1:], terms[0])


def linear(x: Tensor | Jet, weight: Tensor, bias: Tensor | None = None) -> Any:
    """Apply the affine map `x Wᵀ + b`; derivatives are multiplied by W only.

    Args:
        x: A tensor of shape (..., N, in_features), or a jet with such a value.
        weight: Shape (out_features, in_features).
        bias: Shape (out_features,).

    >>> linear(seed(torch.zeros(1, 2), order=1), torch.tensor([[5.0, 7.0]])).gradient.flatten()
    tensor([5., 7.])
    """
    return _mapped(*products.suited(weight), x, bias)


def exact_linear(x: Tensor | Jet, weight: Tensor, bias: Tensor | None = None) -> Any:
    """Apply the affine map in the precision of the weight, even where autocast rounds wide products."""
    return _mapped(products.exact, weight, x, bias)


def _mapped(product: products.Product, weight: Tensor, x: Tensor | Jet, bias: Tensor | None) -> Any:
    if not isinstance(x, Jet):
        return widened(product(x, weight, bias))
    return _map_derivatives(x, widened(product(x.value, weight, bias)), lambda stream: product(stream, weight, None))


def _map_derivatives(x: Jet, value: Tensor, f: Callable[[Tensor], Tensor]) -> Jet:
    """A jet with the given value, whose derivatives are those of x after the linear map f."""
    gradient = None if x.gradient is None else f(x.gradient)
    second = None if x.second is None else f(x.second)
    return Jet(value, gradient, second, x.groups)


def elementwise(x: Tensor | Jet, activation: Activation) -> Any:
    """Apply a scalar function to every element.

    With z the value and J_d, L_k the derivative parts: J'_d = f'(z) J_d and
    L'_k = f'(z) L_k + f''(z) sum_d groups[k, d] J_d² (Faà di Bruno's formula to second order).
    """
    if not isinstance(x, Jet):
        return activation.f(widened(x))
    z = widened(x.value)
    value = activation.f(z)
    if x.gradient is None:
        return Jet(value)
    slope = activation.df(z)
    gradient = slope * x.gradient
    if x.second is None:
        return Jet(value, gradient)
    squares = weighted(x.groups, [stream * stream for stream in widened(x.gradient).unbind(0)])
    return Jet(value, gradient, slope * x.second + activation.ddf(z) * squares, x.groups)


def multiply(a: Tensor | Jet, b: Tensor | Jet) -> Any:
    """Multiply two fields, or a field by a constant tensor, element by element (product rule)."""
    if not isinstance(a, Jet):
        return multiply(b, a) if isinstance(b, Jet) else a * b
    if not isinstance(b, Jet):
        return _map_derivatives(a, a.value * b, lambda stream: stream * b)
    value = a.value * b.value
    if a.gradient is None or b.gradient is None:
        return Jet(value)
    gradient = a.gradient * b.value + a.value * b.gradient
    if a.second is None or b.second is None:
        return Jet(value, gradient)
    slopes = zip(widened(a.gradient).unbind(0), b.gradient.unbind(0), strict=True)
    pairs = [left * right for left, right in slopes]
    second = a.second * b.value + a.value * b.second + 2 * weighted(a.groups, pairs)
    return Jet(value, gradient, second, _same_groups(a, b))


def add(a: Tensor | Jet, b: Tensor | Jet) -> Any:
    """Add two fields, or a constant tensor to a field."""
    if not isinstance(a, Jet):
        return add(b, a) if isinstance(b, Jet) else a + b
    if not isinstance(b, Jet):
        return Jet(a.value + b, a.gradient, a.second, a.groups)
    gradient = None if a.gradient is None or b.gradient is None else a.gradient + b.gradient
    second = None if a.second is None or b.second is None else a.second + b.second
    return Jet(a.value + b.value, gradient, second, () if second is None else _same_groups(a, b))


def concat(parts: Sequence[Tensor | Jet]) -> Any:
    """Concatenate fields along their channels; the parts are all tensors, or all jets of one order.

    Raises:
        TypeError: Tensors and jets are mixed.
    """
    jets = [part for part in parts if isinstance(part, Jet)]
    if jets and len(jets) < len(parts):
        raise TypeError("concat joins tensors or jets, not both: a constant has no derivative streams to join")
    if not jets:
        return torch.cat([part for part in parts if isinstance(part, Tensor)], dim=-1)

    def join(streams: Sequence[Tensor | None]) -> Tensor | None:
        present = [stream for stream in streams if stream is not None]
        if not present:
            return None
        shape = torch.broadcast_shapes(*(stream.shape[:-1] for stream in present))
        return torch.cat([stream.expand(*shape, stream.shape[-1]) for stream in present], dim=-1)

    value = torch.cat([jet.value for jet in jets], dim=-1)
    return Jet(value, join([jet.gradient for jet in jets]), join([jet.second for jet in jets]), _same_groups(*jets))

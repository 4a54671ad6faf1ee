"""A perceptron whose activation is the slope of a Gaussian, u exp(-u²/2) at u = scale · z."""

from itertools import pairwise

import torch
from torch import nn

from siren_pl.field import jet
from siren_pl.field.jet import Activation
from siren_pl.field.networks import CoordinateNetwork


def hermite(scale):
    def bell(z):
        return torch.exp(-(scale * z).square() / 2)

    return Activation(
        lambda z: scale * z * bell(z),
        lambda z: scale * (1 - (scale * z).square()) * bell(z),
        lambda z: scale**3 * z * ((scale * z).square() - 3) * bell(z),
    )


class Hermite(CoordinateNetwork):
    def __init__(self, in_features, out_features, hidden_features, hidden_layers, scale, init, seed):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        torch.manual_seed(seed)
        widths = [in_features, *[hidden_features] * (hidden_layers + 1), out_features]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.activation = hermite(scale)

    def forward(self, coords):
        for layer in self.layers[:-1]:
            coords = jet.elementwise(jet.linear(coords, layer.weight, layer.bias), self.activation)
        return jet.linear(coords, self.layers[-1].weight, self.layers[-1].bias)


def scale_rule(domain):
    """`model.scale=auto`: the denser the samples, the narrower the bell."""
    return domain.resolution / 8

"""Lion (Chen et al. 2023): every weight moves by the sign of a mixture of its gradient and of their running mean."""

import torch

# How much of the running mean is in the mixture.
MIXTURE = 0.9


class Lion(torch.optim.Optimizer):
    def __init__(self, params, lr, decay):
        super().__init__(params, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for weight in (each for each in group["params"] if each.grad is not None):
                state = self.state[weight]
                mean = state.setdefault("mean", torch.zeros_like(weight))
                weight.sub_(group["lr"] * mean.lerp(weight.grad, 1 - MIXTURE).sign())
                mean.lerp_(weight.grad, 1 - group["decay"])

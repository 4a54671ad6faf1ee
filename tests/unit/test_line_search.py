"""L-BFGS ends where SciPy's does."""

import numpy as np
import torch
from scipy.optimize import minimize, rosen, rosen_der

from siren_pl.runs.line_search import line_search


def test_it_finds_the_minimum_that_scipy_finds() -> None:
    start = np.array([-1.2, 1.0, 0.8, 1.7])
    wanted = minimize(rosen, start, jac=rosen_der, method="L-BFGS-B", options={"ftol": 1e-15, "gtol": 1e-10}).x
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = line_search([weight])

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = (100 * (weight[1:] - weight[:-1] ** 2) ** 2 + (1 - weight[:-1]) ** 2).sum()
        loss.backward()
        return loss

    for _ in range(20):
        optimizer.step(closure)
    np.testing.assert_allclose(weight.detach().numpy(), wanted, atol=1e-5)

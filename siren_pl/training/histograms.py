"""How the weights are spread while they are fitted: a histogram per layer at every evaluation."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from numpy.typing import NDArray

from siren_pl.training.module import FieldModule


class Histograms(pl.Callback):
    """Hand every layer's weights to the loggers that draw histograms, at the steps where PSNR is measured.

    Of many fields fitted together, all weights of a layer make one histogram. Spawned processes have no loggers, so
    several devices leave none.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Log where an evaluation is due."""
        assert isinstance(pl_module, FieldModule)
        recipe, step = pl_module.recipe, trainer.global_step
        if not (recipe.evaluations and pl_module.is_evaluation_due):
            return
        for logger in trainer.loggers:
            if hasattr(logger, "log_histograms"):
                logger.log_histograms(weights(pl_module), step)  # type: ignore[attr-defined]


def weights(module: FieldModule) -> dict[str, NDArray[Any]]:
    """Flat arrays by panel name: `weights/layers.0.weight`, alike for every task."""
    parameters = module.network.named_parameters()
    return {f"weights/{name}": tensor.detach().float().cpu().flatten().numpy() for name, tensor in parameters}

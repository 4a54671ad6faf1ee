"""Histograms of the weights of every layer, logged at every evaluation."""

from __future__ import annotations

from typing import Any

import lightning.pytorch as pl
from numpy.typing import NDArray

from siren_pl.training.module import FieldModule


class Histograms(pl.Callback):
    """Pass every layer's weights to the loggers that draw histograms, at the steps where PSNR is measured.

    When many fields are fitted together, a layer's weights in all of them make one histogram. On several devices there
    are no histograms, since spawned processes have no loggers.
    """

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule, *_: Any) -> None:
        """Log if an evaluation is due."""
        assert isinstance(pl_module, FieldModule)
        recipe, step = pl_module.recipe, trainer.global_step
        if not (recipe.evaluations and pl_module.is_evaluation_due):
            return
        for logger in trainer.loggers:
            if hasattr(logger, "log_histograms"):
                logger.log_histograms(weights(pl_module), step)  # type: ignore[attr-defined]


def weights(module: FieldModule) -> dict[str, NDArray[Any]]:
    """Flat arrays by panel name, such as `weights/layers.0.weight`; the names are the same for every task."""
    parameters = module.network.named_parameters()
    return {f"weights/{name}": tensor.detach().float().cpu().flatten().numpy() for name, tensor in parameters}

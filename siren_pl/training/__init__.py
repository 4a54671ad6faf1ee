"""Fitting a field: the one LightningModule, its callbacks, its checkpoints."""

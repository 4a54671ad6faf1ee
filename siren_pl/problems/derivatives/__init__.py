"""Derivatives of samples as supervision: gradients and Laplacians, alone or beside the values."""

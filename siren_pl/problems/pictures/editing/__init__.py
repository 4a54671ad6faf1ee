"""Pictures composed by their gradients."""

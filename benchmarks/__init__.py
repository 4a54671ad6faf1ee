"""Paired measurements: we and the rivals in one process and one run, as ratios."""

"""Paired measurements: our code and the rivals in one process and one run, compared by ratios."""

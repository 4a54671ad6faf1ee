"""The report on run directories: `python -m siren_pl.report outputs/<sweep> …` writes a PDF and an HTML page."""

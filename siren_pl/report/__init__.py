"""From run directories to a document: `python -m siren_pl.report outputs/<sweep> …` writes a PDF and an HTML page."""

"""Score a run again, and render its field at any size: `python evaluate.py run=<run directory> scale=4`."""

from siren_pl.commands.evaluate import evaluate

if __name__ == "__main__":
    evaluate()

"""Fit a coordinate network: `python train.py task=poisson_grad model=siren`, `python train.py --help`."""

from siren_pl.commands.train import train

if __name__ == "__main__":
    train()

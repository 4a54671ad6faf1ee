"""Signals that are given by samples on a lattice, whatever the samples mean."""

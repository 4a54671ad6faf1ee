"""Signals known by their samples on a lattice, whatever they mean."""

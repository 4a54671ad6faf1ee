"""Sounds: samples on one axis, time."""

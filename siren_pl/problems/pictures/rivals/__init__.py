"""Rival methods for comparison, and distances between pictures."""

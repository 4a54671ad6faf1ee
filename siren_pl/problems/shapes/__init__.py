"""Shapes: a surface in space, found as the zero set of a field from points that lie on it."""

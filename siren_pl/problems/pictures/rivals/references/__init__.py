"""Pretrained super-resolution networks for comparison, loaded from local files of published weights.

The entry point is `pretrained(FILE).enlarge(pixels, scale)`. Nothing is downloaded, and no file is required.
"""

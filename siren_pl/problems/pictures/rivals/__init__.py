"""Methods to be compared with, and distances that take pictures."""

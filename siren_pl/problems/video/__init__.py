"""Videos: frames on three axes, time, rows and columns."""

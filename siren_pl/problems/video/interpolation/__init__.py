"""Frames in between given ones: what is learned is the motion, and the pixels of the files are what it moves."""

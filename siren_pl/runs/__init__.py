"""One run, one directory."""

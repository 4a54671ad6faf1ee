"""What is asked of a field: one kind of signal, one file or folder."""

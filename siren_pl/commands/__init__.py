"""What is typed: one command a file."""

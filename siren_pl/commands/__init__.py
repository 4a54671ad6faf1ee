"""The commands that users type, and what they need."""

"""Pictures: files, restoration, editing, figures, judging."""

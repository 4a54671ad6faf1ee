"""Published networks, written here from their papers, to compare with; nothing else uses them."""

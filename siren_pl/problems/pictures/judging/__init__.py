"""How results are shown as pictures: figures, views at any size, the sheet of a set."""

"""What a field is: a jet of a coordinate network."""

"""The objects that a model file describes, as plain data."""

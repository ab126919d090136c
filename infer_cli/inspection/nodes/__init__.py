"""Nodes: the objects that a model file describes, as plain data."""

"""A model folder from the training script: the model, its schema, examples, versions and own code.

This runs in the environment that the model was trained in, and imports nothing but Python's standard library
and what the model itself has imported.
"""

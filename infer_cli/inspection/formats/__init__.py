"""The formats of model files, each read without running it."""

"""A reader for each format of model files. No reader runs code of a file."""

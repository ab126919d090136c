"""C code for what Python is too slow for, with its Python side."""

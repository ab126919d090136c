"""Finding, reading and decompressing model files, within limits."""

"""Finding, opening and decompressing model files, within limits."""

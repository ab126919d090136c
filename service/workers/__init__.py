"""Worker processes and their threads: the only importer of Granian."""

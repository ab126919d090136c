"""The HTTP interface: the only importer of Flask."""

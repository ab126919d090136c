"""The user's side of the command line: output, progress, options and completion."""

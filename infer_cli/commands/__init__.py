"""One module for each command: its options, and the text of its result."""

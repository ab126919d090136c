"""One module a command: options are read, a plan made, the engine asked, the result shown."""

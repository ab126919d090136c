"""From a model to an image: prepare, build, verify, compile."""

"""From a model to an image: prepare, build, verify and compile."""

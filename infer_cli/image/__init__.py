"""Image names, base images, and archives that an engine loads as an image."""

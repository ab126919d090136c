"""The packages of an image: resolution, version sources, lock and wheels."""

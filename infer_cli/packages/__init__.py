"""The packages of an image: requirements, resolution, version sources, lock, wheels and SBOM."""

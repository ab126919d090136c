"""The engine: a Docker-compatible API. Only this package imports `docker`."""

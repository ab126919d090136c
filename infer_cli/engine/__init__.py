"""Talks to the engine, which has a Docker-compatible API. No other package imports `docker`."""

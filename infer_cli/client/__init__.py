"""The HTTP client of a service, files of rows, and bulk prediction."""

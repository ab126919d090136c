"""The HTTP client of a service, and files of rows."""

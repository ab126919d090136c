"""Bytes to rows, and predictions to bytes, for each wire format. No Flask and no sockets."""

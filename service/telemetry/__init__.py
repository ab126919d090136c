"""What the service tells of itself: counters shared between workers, and Prometheus text."""

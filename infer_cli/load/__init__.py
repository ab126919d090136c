"""Load on a running service at a fixed schedule, and what was measured."""

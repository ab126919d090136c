"""Measurements that anyone can repeat with `make bench`. Only numbers of the same run are comparable."""

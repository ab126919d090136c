"""Measurements that anyone can repeat with `make bench`; times are compared within one run."""

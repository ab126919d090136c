"""Pickles: a machine goes through their opcodes, imports nothing and calls nothing."""

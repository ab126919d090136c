"""Pickles: a machine that goes through the opcodes and imports nothing."""

"""Converters: each turns one family of fitted estimators into programs or operations."""

"""Measures: one score per image."""

"""Measures: one score an image."""

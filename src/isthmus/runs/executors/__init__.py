"""Runs of a study at the same time, each in a process of its own."""

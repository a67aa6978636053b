"""Corruptions: what is done to x before it is encoded."""

"""Measurements of isthmus against its peers, its machine and its goals; run from the root of a clone."""

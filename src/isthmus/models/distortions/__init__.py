"""Distortions, one a file: how far an output is from its original."""

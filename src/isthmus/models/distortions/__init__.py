"""Distortions, one per file: how far an output is from its original."""

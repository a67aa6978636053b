"""Baselines beside every score: a model must beat what needs no training."""

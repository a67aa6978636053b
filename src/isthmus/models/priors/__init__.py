"""Priors, one a file: the density over latents that a posterior is held against."""

"""Priors, one per file: the density over latents with which posteriors are compared."""

"""Samplers, one a file: where new latents come from."""

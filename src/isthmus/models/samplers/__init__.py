"""Samplers, one per file: they draw new latents."""

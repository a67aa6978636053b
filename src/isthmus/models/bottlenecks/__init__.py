"""Bottlenecks: from features h to the latent z and back."""

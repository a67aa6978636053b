"""Values that travel between rooms, and helpers that every room uses; nothing here imports torch."""

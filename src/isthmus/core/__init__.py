"""Values that travel between rooms, and what every room stands on; nothing here imports torch."""

"""What runs and studies show in a notebook: static HTML without script, style sheet or network."""

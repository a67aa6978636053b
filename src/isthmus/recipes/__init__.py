"""What can be asked for: recipe and study files, overrides, and the ready-made `*.toml`."""

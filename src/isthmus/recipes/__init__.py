"""Recipe and study files, command-line overrides, and the ready-made `*.toml`."""

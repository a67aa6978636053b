"""What the files of a run folder hold: one typed description each, which reading checks (docs/run-folder.md)."""

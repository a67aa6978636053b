"""The files of a run folder: each has one typed description, and reading checks it (docs/run-folder.md)."""

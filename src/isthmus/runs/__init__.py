"""The run folder, studies of many runs, and what runs say when compared."""

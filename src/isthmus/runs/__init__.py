"""The run folder, studies of many runs, and the comparison of runs."""

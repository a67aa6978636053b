"""Ways to execute the runs of a study: in this process, or at the same time in other processes."""

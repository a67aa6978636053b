"""Statistics of scores and differences: intervals, verdicts, corrections for many comparisons, and the sentences."""

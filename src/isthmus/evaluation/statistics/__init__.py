"""What a score or a difference is worth: intervals, verdicts, corrections for many, and the sentences."""

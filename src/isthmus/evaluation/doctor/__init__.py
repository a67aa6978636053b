"""The doctor: measures a run, checks it for known faults, and suggests remedies that fit its recipe."""

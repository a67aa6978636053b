"""The doctor: measures what a run shows, checks it for known faults, and names remedies that fit."""

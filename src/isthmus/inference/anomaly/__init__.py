"""Anomaly scores of a trained model, with a promised false-alarm rate: calibrate on normal pictures, then score."""

"""Anomaly scores of a trained model, with a false-alarm rate that is promised: calibrate on normal pictures, then score."""

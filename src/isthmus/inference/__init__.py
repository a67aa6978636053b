"""Using a trained model: sampling, export, and matching input pictures to output files."""

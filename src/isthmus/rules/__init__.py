"""Rules of the doctor, one a file: each looks for one fault in what a run shows."""

"""What a run shows of its health, measured for the doctor's rules."""

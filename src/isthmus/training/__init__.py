"""Training: the loop, and the steps, optimizers, checkpoints and logs that it needs."""

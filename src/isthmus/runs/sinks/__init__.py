"""Where the events of a training may go besides the run folder: TensorBoard and Weights & Biases, if asked for."""

from isthmus.runs.sinks.feed import Feed, opened

__all__ = ["Feed", "opened"]

"""How good a model is on held-out images: the sealed evaluator, its measures and baselines, and the doctor."""

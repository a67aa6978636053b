"""Seconds from the end of the imports to the first training step, of a training on a folder of pictures."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from isthmus.core.paths import cache_folder
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.run import load_and_run
from isthmus.training.events import Started
from isthmus.training.loop import Step


def main() -> None:
    """Arguments: folder of pictures, size, run folder. Prints the seconds to the start and to the first step."""
    folder, size, out = sys.argv[1:]
    data = {"data.kind": "folder", "data.path": folder, "data.size": int(size)}
    recipe = load_recipe("post/latent-10", {**data, "model.linear": "none", "train.steps": 20})
    begun = time.perf_counter()
    started = 0.0
    for event in load_and_run(recipe, Path(out), cache_folder()):
        if isinstance(event, Started):
            started = time.perf_counter() - begun
        if isinstance(event, Step):
            print(f"{started:.3f} {time.perf_counter() - begun:.3f}", flush=True)
            return


if __name__ == "__main__":
    main()

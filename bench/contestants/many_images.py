"""One training on many drawn images: prints each phase with the highest memory so far, and ends when it is killed."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path

from isthmus.core.paths import cache_folder
from isthmus.recipes.study_plan import load_recipe
from isthmus.runs.run import Done, load_and_run
from isthmus.training.events import Started
from isthmus.training.loop import Epoch, Step


def main() -> None:
    """Arguments: number of training images, their size, steps, run folder."""
    images, size, steps, out = int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    data = {"data.kind": "scenes", "data.train": images, "data.test": max(images // 100, 200), "data.size": size}
    recipe = load_recipe("post/latent-10", {**data, "split.validation": 0.01, "train.steps": steps})
    begun = time.perf_counter()

    def say(what: str) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(f"{what} {time.perf_counter() - begun:.1f} {peak}", flush=True)

    say("imported")
    for event in load_and_run(recipe, out, cache_folder()):
        match event:
            case Started():
                say(f"started-{event.step}")
            case Step() if event.log is not None:
                say(f"step-{event.step}")
            case Epoch():
                say("epoch")
            case Done():
                say("done")
            case _:
                pass


if __name__ == "__main__":
    main()

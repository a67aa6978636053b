"""Images per second of the training of one recipe, and what a step sends; torchrun starts the processes that share it.

python -m bench.contestants.shared_batches RECIPE BATCH PRECISION SECONDS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from isthmus.core.torchrun import place
from isthmus.kernels.choose import choose
from isthmus.models.processes import here
from isthmus.recipes.study_plan import load_recipe
from isthmus.run_files.state import Progress
from isthmus.training import devices
from isthmus.training.batches import Batches
from isthmus.training.initial_model import untrained
from isthmus.training.joining import together
from isthmus.training.loop import Step, train
from isthmus.training.optimizers import build_optimizer

_IMAGES = 4096
_WARM = 10  # steps


def main() -> None:
    name, batch, precision, seconds = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
    with together("cpu") as processes:
        devices.keep_freed_memory()
        sent = _Sent() if processes.count > 1 else None
        changes = {"train.batch": batch, "train.device": "cpu", "model.linear": "none", "train.epochs": 10_000}
        recipe = load_recipe(name, {"data.kind": "scenes", **changes, "train.seconds": None})
        shape = (3, 32, 32)
        model, objective = untrained(recipe, shape)
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        device = torch.device("cpu")
        precision = devices.choose_precision(precision, device)
        random = np.random.default_rng(0)
        images = torch.from_numpy(random.integers(0, 256, (_IMAGES, *shape), dtype=np.uint8))
        batches = Batches(images, batch, seed=0, processes=here())
        events = train(
            model,
            objective,
            build_optimizer(model, recipe.train, objective),
            batches,
            images[:batch],
            recipe.train,
            Progress(),
            precision=precision,
            kernels=choose("auto", device, model, precision).kernels,
            seed=0,
            processes=here(),
        )
        begun, worked, done, steps = 0.0, 0.0, 0, 0
        for event in events:
            if not isinstance(event, Step):
                continue
            if event.step == _WARM:
                begun, worked = time.perf_counter(), time.process_time()
                if sent is not None:
                    sent.clear()
            elif event.step > _WARM:
                done, steps = done + event.images, steps + 1
                # alike in all processes: by the first one's clock
                if steps % 10 == 0 and processes.told(time.perf_counter() - begun > seconds):
                    break
        found: dict[str, Any] = {"images_per_second": done / (time.perf_counter() - begun), "steps": steps}
        found["cpu_ms_per_image"] = 1e3 * sum(processes.everyone(time.process_time() - worked)) / done
        if sent is not None:
            found |= {"messages": sent.messages / steps, "bytes": sent.bytes / steps}
        found["parameters"] = sum(weight.numel() for weight in model.parameters())
    if (where := place()) is None or where.rank == 0:
        print(json.dumps(found), flush=True)


class _Sent:
    """Counts the messages over the models' group, and their bytes."""

    def __init__(self) -> None:
        self.clear()
        for name in ("all_reduce", "all_gather"):
            setattr(dist, name, self._counting(getattr(dist, name)))

    def clear(self) -> None:
        self.messages = self.bytes = 0

    def _counting(self, send: Callable[..., Any]) -> Callable[..., Any]:
        def counted(first: Any, *rest: Any, **how: Any) -> Any:
            if how.get("group") is None:
                tensor = rest[0] if isinstance(first, list) else first
                self.messages += 1
                self.bytes += tensor.numel() * tensor.element_size()
            return send(first, *rest, **how)

        return counted


if __name__ == "__main__":
    main()

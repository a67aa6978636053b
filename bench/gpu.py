"""isthmus on a GPU in one command: `make bench-gpu`. Epochs at several batches, seeds at once, the whole post.

`python -m bench.gpu --device cpu --quick` tries its parts without a GPU.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path
from typing import Any

import torch
from torch import nn

from bench import network, record
from bench.contest import Results, rounds, training
from bench.goals import Measured
from bench.study_wall import STUDY, study_seconds
from bench.traffic import copy_bandwidth, image_bytes

BATCHES = (32, 128, 512, 1024)
CONTESTANTS = (("isthmus_train", "auto"), ("plain_torch", "fp32"), ("plain_torch", "bf16"))
IMAGES = 50_000
SEEDS = 5
PARTS = ("epochs", "seeds", "post")


def epoch_rows(results: Results, floor: float) -> list[Measured]:
    """Seconds per epoch of 50,000 images, computed from the entries' rates.

    floor: lower bound in seconds for an epoch, from its memory traffic.
    """
    seconds = {label: tuple(IMAGES / run["images_per_second"] for run in runs) for label, runs in results.items()}
    goals = {"isthmus 32 auto": 0.6}
    best = min((label for label in seconds if label.startswith("isthmus")), key=lambda x: statistics.median(seconds[x]))
    return [
        *(Measured(f"an epoch, {x}", seconds[x], goals.get(x), at_least=False, unit="s") for x in seconds),
        Measured("memory-traffic floor of an epoch", (floor,), unit="s"),
        Measured(f"an epoch at the best batch, {best}", seconds[best], 0.25, at_least=False, unit="s"),
        Measured("floor / that epoch", tuple(floor / value for value in seconds[best])),
    ]


def seeds_rows(data: list[str], seeds: int, epochs: int) -> list[Measured]:
    """The time for several seeds divided by the time for one: whole command, and training alone.

    The training time is the difference between two commands that differ only in their epochs, so start, data, PCA
    and evaluation cancel.
    """

    def wall(count: int, epochs: int) -> float:
        jobs = ("--jobs", "auto") if count > 1 else ()
        return study_seconds(STUDY, *data, f"seeds={count}", f"train.epochs={epochs}", *jobs)

    short, long = ({count: wall(count, some) for count in (1, seeds)} for some in (1, 1 + epochs))
    trained = {count: long[count] - short[count] for count in long}
    return [
        Measured(f"{seeds} seeds / one, the whole command of {1 + epochs} epochs", (long[seeds] / long[1],)),
        Measured(f"{seeds} seeds / one, training alone", (trained[seeds] / trained[1],), 2, at_least=False),
    ]


def main() -> None:
    given = _options()
    images, batches, seeds, epochs, post = IMAGES, BATCHES, SEEDS, 20, ["seeds=3"]
    if given.quick:
        given.seconds, given.rounds = 2.0, 1
        images, batches, seeds, epochs, post = 300, BATCHES[:1], 2, 1, ["seeds=1", "train.epochs=1", "split.limit=64"]
    if given.data is not None:
        data = ["data.kind=parquet", f"data.path={given.data.resolve()}"]
    else:
        data = ["data.kind=scenes", f"data.train={round(images / 0.95)}"]  # 5 % are set aside for validation
    data.append(f"train.device={given.device}")

    machine, rows, details = record.hardware(given.device), [], dict[str, Any]()
    if "epochs" in given.only:
        entries = [training(name, batch, precision) for batch in batches for name, precision in CONTESTANTS]
        common = ["--seconds", str(given.seconds), "--images", str(images), "--device", given.device]
        details["rounds"] = rounds(entries, given.rounds, {"": common})
        # two bytes for bf16, isthmus's default precision on this device
        moved = IMAGES * image_bytes(nn.Sequential(network.encoder(), network.decoder()), bytes_per_value=2)
        bandwidth = copy_bandwidth(given.device, 2**30 if given.device == "cuda" else 2**26)
        details |= {"epoch_bytes": moved, "copy_bytes_per_second": bandwidth}
        rows += epoch_rows(details["rounds"], moved / bandwidth)
    if "seeds" in given.only:
        rows += seeds_rows(data, seeds, epochs)
    if "post" in given.only:
        goal = None if given.quick else 180  # seconds
        whole = study_seconds("post", *data, *post, "--jobs", "auto")
        rows.append(Measured(f"isthmus study post {' '.join(post)}", (whole,), goal, at_least=False, unit="s"))
    record.write(
        "gpu" if tuple(given.only) == PARTS else f"gpu-{'-'.join(given.only)}",
        "isthmus on a GPU: epochs, seeds at once, the whole post",
        f"How long does an epoch of {IMAGES:,} images of the post's latent-10 network take, batch by batch, and what "
        "do more seeds cost? An epoch is 50,000 by the images a second of a whole session, checkpoints included; "
        f"rounds in turn: {given.rounds}, {given.seconds:g} s each after a warm-up. The floor counts every layer's "
        "output and its gradient, written and read once in bf16, at the device's measured copy bandwidth. Studies "
        f"once each, on `{' '.join(data[:2])}`.",
        rows,
        machine=machine,
        details=details,
        out=record.folder(given.quick),
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="a folder of parquet files; without it, images drawn by code")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="parts to measure, all by default")
    parser.add_argument("--seconds", type=float, default=5.0, help="measured time of each entry in each round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    if given.device == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "bench.gpu: torch finds no CUDA device here; run it where there is one\n")
    if given.device == "cpu" and not given.quick:
        parser.exit(2, "bench.gpu: --device cpu only tries the command out; add --quick, or use `make bench`\n")
    if given.data is not None and not given.data.exists():
        parser.exit(2, f"bench.gpu: --data {given.data} does not exist; give a folder of parquet files\n")
    return given


if __name__ == "__main__":
    main()

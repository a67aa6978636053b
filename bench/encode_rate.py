"""How fast `isthmus encode` is beside the model alone, and its memory: `python -m bench.encode_rate`.

Every entry runs in its own process, in rounds that begin with another one each.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from bench import record
from bench.contest import Entry, rounds
from bench.goals import Measured


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer images and one round, into runs/bench-quick")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    count, number = (min(asked.images, 4_000), 1) if asked.quick else (asked.images, asked.rounds)
    machine = record.hardware(asked.device)
    with tempfile.TemporaryDirectory(prefix="isthmus-encode-") as temporary:
        files = {count: _drawn(Path(temporary), count), count // 4: _drawn(Path(temporary), count // 4)}
        entries = [
            *(
                Entry(what, "contestants.encoding", (what, *_words(files, count)))
                for what in ("encode", "bare", "plain")
            ),
            Entry("encode a quarter", "contestants.encoding", ("encode", *_words(files, count // 4))),
        ]
        results = rounds(entries, number, {"": ("--device", asked.device)})
    rates = {label: [one["images_per_second"] for one in found] for label, found in results.items()}
    best = [max(pair) for pair in zip(rates["bare"], rates["plain"], strict=True)]
    memory = zip(results["encode"], results["encode a quarter"], strict=True)
    rows = [
        Measured("isthmus encode, images/s", tuple(rates["encode"])),
        Measured("the model alone, in isthmus's threads, images/s", tuple(rates["bare"])),
        Measured("the model alone, in PyTorch's threads, images/s", tuple(rates["plain"])),
        Measured("peak memory of encode", tuple(one["peak_mib"] for one in results["encode"]), unit="MiB"),
        Measured(
            "encode over the faster of both", tuple(a / b for a, b in zip(rates["encode"], best, strict=True)), 0.9
        ),
        Measured(
            "memory more than with a quarter of the images",
            tuple(all_of["peak_mib"] - few["peak_mib"] for all_of, few in memory),
            64,
            at_least=False,
            unit="MiB",
        ),
    ]
    record.write(
        "encode-rate" if asked.device == "cpu" else f"encode-rate-{asked.device}",
        f"Encoding {count:,} images in one command",
        "Does a table of latents take as long as the model's own forward pass, and is its memory flat?",
        rows,
        machine=machine,
        details={"images": count, "device": asked.device, "results": results},
        out=record.folder(asked.quick),
    )


def _drawn(home: Path, count: int) -> Path:
    """A .npy of so many images (N, 32, 32, 3)."""
    path = home / f"{count}.npy"
    np.save(path, np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8))
    return path


def _words(files: dict[int, Path], count: int) -> tuple[str, ...]:
    return ("--images", str(files[count]), "--count", str(count))


if __name__ == "__main__":
    main()

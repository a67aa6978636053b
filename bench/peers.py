"""isthmus against its peers on this machine: `make bench`, or `python -m bench.peers --quick` to try it out.

Contestants take turns in several rounds, each in its own process. Every ratio is taken within a round, between runs
close in time, so that changing load on the machine affects both equally.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from bench import neighbour, record
from bench.contest import Entry, Results, rounds, training
from bench.goals import Measured, ratios, spread
from bench.network import step_flop
from bench.startup import assert_no_torch, help_seconds
from bench.study_wall import STUDY, study_seconds

CPU = (
    training("keras_fit", 32, "fp32"),
    training("isthmus_train", 32, "auto"),
    training("pythae_trainer", 32, "fp32"),
    training("isthmus_train", 32, "fp32"),
    training("plain_torch", 32, "fp32"),
    training("isthmus_train", 128, "auto"),
    training("pythae_trainer", 128, "fp32"),
    training("plain_torch", 32, "bf16"),
)
# without Keras: TensorFlow's package is for the CPU only
CUDA = tuple(
    training(contestant, batch, precision)
    for batch in (32, 128, 512, 1024)
    for contestant, precision in (("isthmus_train", "auto"), ("plain_torch", "fp32"), ("pythae_trainer", "fp32"))
)
MATRIX = Entry("matrix rate", "matrix_rate")


def entries_table(results: Results) -> str:
    """One row per entry: speed, memory and start time."""
    kinds = ("images_per_second", "peak_rss_mb", "seconds_to_first_step")
    lines = ["| contestant, batch, precision | images/s | peak memory, MB | first step after, s |", "|---|---|---|---|"]
    for label, runs in results.items():
        if label != MATRIX.label:
            lines.append(f"| {label} | {' | '.join(spread([run[kind] for run in runs]) for kind in kinds)} |")
    return "\n".join(lines)


def shares(results: Results, label: str, flop: int, goal: float | None = None) -> list[Measured]:
    """The training's FLOP/s (`flop` per image) divided by the machine's matrix rate in the same precision.

    The goal refers to the machine's highest rate.
    """

    def share(kind: str) -> tuple[float, ...]:
        pairs = zip(results[label], results[MATRIX.label], strict=True)
        return tuple(run["images_per_second"] * flop / 1e9 / rates[run["precision"] + kind] for run, rates in pairs)

    return [
        Measured(f"share of the machine's matrix rate, {label}", share(""), goal),
        Measured(f"share of the rate that it keeps up, {label}", share("_kept_up")),
    ]


def cpu_goals(results: Results) -> list[Measured]:
    """The ratios with goals on two CPU cores."""
    rate = "images_per_second"

    def faster(ours: str, theirs: str, goal: float | None = None) -> Measured:
        return Measured(f"images/s, {ours} / {theirs}", ratios(results, ours, theirs, rate), goal)

    return [
        faster("isthmus 32 auto", "keras 32 fp32", 4),
        faster("isthmus 32 fp32", "keras 32 fp32", 2.5),
        faster("isthmus 32 auto", "pythae 32 fp32", 2.5),
        faster("isthmus 128 auto", "pythae 128 fp32", 3),
        faster("isthmus 32 auto", "plain 32 fp32", 2.5),
        faster("isthmus 32 fp32", "plain 32 fp32", 1.5),
        Measured(
            "images/s, isthmus 32 auto / plain 32 bf16", ratios(results, "isthmus 32 auto", "plain 32 bf16", rate)
        ),
        *shares(results, "isthmus 32 auto", step_flop(), 0.5),
        *shares(results, "isthmus 32 fp32", step_flop(), 0.5),
        Measured(
            "peak memory, isthmus 32 auto / keras 32 fp32",
            ratios(results, "isthmus 32 auto", "keras 32 fp32", "peak_rss_mb"),
            0.5,
            at_least=False,
        ),
    ]


def two_seeds(count: int, words: Sequence[str]) -> Measured:
    """Wall time of a study with two seeds divided by that with one, for each pair of commands."""
    values: list[float] = []
    for number in range(count):
        commands = {"one": ("seeds=1",), "two": ("seeds=2", "--jobs", "auto")}
        order = sorted(commands, reverse=bool(number % 2))
        seconds = {name: study_seconds(STUDY, *commands[name], *words) for name in order}
        values.append(seconds["two"] / seconds["one"])
    return Measured("wall time, two seeds at once / one seed", tuple(values), 1.7, at_least=False)


def main() -> None:
    if "--neighbour" in sys.argv:
        sys.argv.remove("--neighbour")
        neighbour.main()
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="measured time of each contestant in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=50_000)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--jobs", action="store_true", help="also time a study of two seeds against one of one")
    parser.add_argument("--quick", action="store_true", help="try it out: numbers without worth, kept in runs/")
    given = parser.parse_args()
    if given.quick:
        given.seconds, given.rounds, given.images = 2.0, 1, 2000

    machine = record.hardware(given.device)
    assert_no_torch()
    common = ["--threads", str(given.threads), "--device", given.device]
    trained = ["--seconds", str(given.seconds), "--images", str(given.images), *common]
    entries = (*(CPU if given.device == "cpu" else CUDA), MATRIX)
    results = rounds(entries, given.rounds, {"": trained, MATRIX.module: common})
    rows = [Measured("isthmus --help", help_seconds(), 0.3, at_least=False, unit="s")]
    if given.jobs:
        small = ("train.epochs=1", "data.train=1000") if given.quick else ()
        rows.append(two_seeds(given.rounds, small))
    if given.device == "cpu":
        rows += cpu_goals(results)
    else:
        rows += shares(results, "isthmus 32 auto", step_flop())
    record.write(
        "peers",
        "isthmus against its peers: the post's network, trained",
        "How fast is the post's latent-10 network trained by Keras's `fit`, pythae's trainer, a plain PyTorch loop and "
        f"isthmus, on the same {given.images:,} images? CPU threads: {given.threads}; rounds in turn: {given.rounds}, "
        f"{given.seconds:g} s each after a warm-up. The share of the matrix rate counts "
        f"{step_flop() / 1e6:.0f} MFLOP an image: forward and both backward products of every convolution and dense "
        "layer, without the gradient of the image, as they are defined: convolutions in fp32 get by with less.",
        rows,
        machine=machine,
        details={"rounds": results, "step_flop": step_flop()},
        out=record.folder(given.quick),
        beside=entries_table(results),
    )


if __name__ == "__main__":
    main()

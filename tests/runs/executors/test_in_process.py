"""Lanes: jobs that take turns in one process, as on a CUDA device; here on the CPU, where each must be as if alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from isthmus.core.errors import RunError
from isthmus.recipes.recipe import apply, resolve
from isthmus.runs.executors.in_process import InProcess
from isthmus.runs.executors.job import Job, RunBegins, RunEvent, RunFailed
from isthmus.runs.load import load_data
from isthmus.runs.run import Done, Event, run
from isthmus.training.loop import Step

TINY = {
    "name": "tiny",
    "data": {"kind": "scenes", "train": 48, "test": 12, "size": 16},
    "corruption": {"kind": "gaussian", "std": 0.1},
    "architecture": {"kind": "conv", "filters": [4], "strides": [2]},
    "bottleneck": {"kind": "gaussian", "dim": 2},
    "objective": {"kind": "weighted", "weights": {"kl": 0.1}},
    "train": {"epochs": 2, "batch": 16, "device": "cpu", "precision": "fp32"},
}


def jobs(home: Path, changes: dict[str, object] | None = None) -> list[Job]:
    recipes = [resolve(apply(TINY, {"seed": seed, **(changes or {})})) for seed in range(3)]
    return [Job("tiny", seed, seed + 1, 3, recipe, home / str(seed)) for seed, recipe in enumerate(recipes)]


def start(job: Job) -> Iterator[Event]:
    return run(job.recipe, job.folder, load_data(job.recipe), job.folder.parent / "cache")


def test_jobs_that_take_turns_have_the_bits_of_jobs_alone(tmp_path: Path) -> None:
    """With noise in the image and in the latent: no lane draws from another's generator."""
    events = list(InProcess(2, start).run(jobs(tmp_path / "turns")))
    list(InProcess(1, start).run(jobs(tmp_path / "alone")))
    for seed in range(3):
        ours, alone = (
            load_file(tmp_path / way / str(seed) / "checkpoints/best/model.safetensors") for way in ("turns", "alone")
        )
        assert all(torch.equal(ours[key], alone[key]) for key in alone)
    assert [event.job.seed for event in events if isinstance(event, RunEvent) and isinstance(event.event, Done)] == [
        0,
        1,
        2,
    ]
    steps = [event.job.seed for event in events if isinstance(event, RunEvent) and isinstance(event.event, Step)]
    assert steps[:4] == [0, 1, 0, 1], "a step of each in turn"
    third = next(i for i, event in enumerate(events) if isinstance(event, RunBegins) and event.job.seed == 2)
    assert any(isinstance(event, RunEvent) and isinstance(event.event, Done) for event in events[:third])


def test_a_lane_that_fails_stops_no_other(tmp_path: Path) -> None:
    def fragile(job: Job) -> Iterator[Event]:
        if job.seed == 0:
            raise RunError("no such luck")
        for event in start(job):
            if job.seed == 1 and isinstance(event, Step):
                raise ValueError("a mistake in a part")
            yield event

    events = list(InProcess(3, fragile).run(jobs(tmp_path)))
    failures = {event.job.seed: event.sentence for event in events if isinstance(event, RunFailed)}
    assert failures == {0: "no such luck", 1: "ValueError: a mistake in a part"}
    assert any(isinstance(event, RunEvent) and isinstance(event.event, Done) for event in events)


def test_ctrl_c_lets_every_lane_save(tmp_path: Path) -> None:
    """Each stops at its own safe step, and all go on from there."""
    before = signal.getsignal(signal.SIGINT)
    events = InProcess(3, start).run(jobs(tmp_path, {"train.epochs": 500}))
    seen: set[int] = set()
    with pytest.raises(KeyboardInterrupt):
        for event in events:
            if isinstance(event, RunEvent) and isinstance(event.event, Step) and event.job.seed not in seen:
                seen.add(event.job.seed)
                if len(seen) == 3:
                    os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before
    for seed in range(3):
        assert (tmp_path / str(seed) / "checkpoints/last/state.json").exists()
        assert not (tmp_path / str(seed) / "training.json").exists()

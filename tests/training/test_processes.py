"""Several processes train, evaluate and encode as one does, beyond rounding; torchrun starts them, on one machine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.command import environment
from tests.conftest import ROOT

from isthmus.core import registry
from isthmus.recipes.study_plan import load_plan

NARROW = {"architecture.width": 8}
CONV = {"architecture.filters": [8, 16], "architecture.strides": [2, 2]}
# a plain one with batch norm, and one for each way of using a whole batch
NAMED: dict[str, dict[str, Any]] = {
    "post/latent-10": CONV,
    "families/vae": NARROW,
    "families/vq": NARROW,
    "families/adversarial": NARROW,
    "families/masked": {},
}
TINY = ("train.batch=16", "train.device=cpu", "train.precision=fp32", "train.kernels=torch", "train.threads=1")
TRAIN = ("train", "digits/latent-10", *TINY, "split.limit=200", "architecture.filters=[8,8]")


def torchrun(count: int, *words: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), *words],
        env={**environment(), "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=os.getcwd(),
    )


def done(process: subprocess.Popen[str], seconds: float = 240) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def alone(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *words],
        env={**environment(), "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, with a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    return tmp_path


def wait_for_checkpoint(process: subprocess.Popen[str]) -> None:
    while not Path("run/checkpoints/last/state.json").exists():
        assert process.poll() is None, done(process)
        time.sleep(0.1)


def step_of(run: str) -> int:
    """The step of its last checkpoint."""
    return json.loads(Path(run, "checkpoints/last/state.json").read_text(encoding="utf-8"))["progress"]["step"]


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The processes that torchrun started, by rank."""
    children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True)
    found = {}
    for word in children.stdout.split():
        variables = Path("/proc", word, "environ").read_bytes().split(b"\0")
        rank = [value for value in variables if value.startswith(b"RANK=")]
        if rank:
            found[int(rank[0][5:])] = int(word)
    return [found[rank] for rank in sorted(found)]


def alive(pid: int) -> bool:
    state = Path("/proc", str(pid), "stat")
    return state.exists() and ") Z " not in state.read_text(encoding="utf-8")


def losses(count: int, out: Path, cases: dict[str, dict[str, Any]], steps: int) -> dict[str, Any]:
    words = [word for name, changes in cases.items() for word in (name, str(steps), json.dumps(changes))]
    if count == 1:
        answer = alone("tests.training.losses_of", str(out), *words)
        assert answer.returncode == 0, answer.stderr
    else:
        code, _, err = done(torchrun(count, "-m", "tests.training.losses_of", str(out), *words))
        assert code == 0, err
    return json.loads(out.read_text(encoding="utf-8"))


def compare(one: dict[str, Any], many: dict[str, Any], rounding: float) -> None:
    assert one.keys() == many.keys()
    for case, found in one.items():
        pairs = list(zip(found["losses"], many[case]["losses"], strict=True))
        worst = max(abs(a["loss"] - b["loss"]) / abs(a["loss"]) for a, b in pairs)
        assert worst < rounding, f"{case}: {worst:.1e}"
        assert [a.keys() for a, _ in pairs] == [b.keys() for _, b in pairs]
        first = found["epochs"][0]["validation_psnr"], many[case]["epochs"][0]["validation_psnr"]
        assert abs(first[0] - first[1]) < 1e-3, case


@pytest.mark.parametrize("count", [2, 4])
def test_the_losses_are_those_of_one_process(count: int, tmp_path: Path) -> None:
    """A batch of 15 has shares of 8 and 7, or of 4 and 3."""
    one, many = (losses(number, tmp_path / f"{number}.json", NAMED, 12) for number in (1, count))
    compare(one, many, 1e-5)


@pytest.mark.slow
def test_the_losses_of_every_family_are_those_of_one_process(tmp_path: Path) -> None:
    rows = load_plan("families").variations
    cases = {f"families/{row.name}": {} if row.name == "masked" else NARROW for row in rows}
    assert {row.recipe(0).regularizer.kind for row in rows} >= set(registry.kinds("regularizers")) - {"none"}
    one, many = (losses(number, tmp_path / f"{number}.json", cases, 8) for number in (1, 3))
    compare(one, many, 1e-5)


@pytest.mark.slow
def test_an_interrupted_run_goes_on_with_another_number_of_processes(place: Path) -> None:
    begun = torchrun(2, "-m", "isthmus", *TRAIN, "train.epochs=1000", "--out", "run")
    wait_for_checkpoint(begun)
    begun.send_signal(signal.SIGTERM)
    code, _, err = done(begun)
    assert code != 0 and "Traceback" not in err.partition("torch/distributed")[0], err
    stopped = step_of("run")
    environment_json = json.loads(Path("run/environment.json").read_text(encoding="utf-8"))
    assert environment_json["processes"] == 2
    alone_again = subprocess.Popen(
        [sys.executable, "-m", "isthmus", *TRAIN, "train.epochs=1000", "--out", "run", "--resume"],
        env={**environment(), "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        stderr=subprocess.PIPE,
        text=True,
    )
    while step_of("run") == stopped:
        assert alone_again.poll() is None, done(alone_again)
        time.sleep(0.2)
    alone_again.send_signal(signal.SIGINT)
    code, _, err = done(alone_again)
    assert code == 130 and "number of processes" in err, err


@pytest.mark.slow
def test_a_killed_process_is_started_again_and_nothing_is_lost(place: Path) -> None:
    words = ("--max-restarts", "2", "-m", "isthmus", *TRAIN, "train.epochs=60", "--out", "run")
    begun = torchrun(2, *words)
    wait_for_checkpoint(begun)
    victim = workers_of(begun)[1]
    before = step_of("run")
    os.kill(victim, signal.SIGKILL)
    code, _, err = done(begun)
    assert code == 0, err
    assert json.loads(Path("run/training.json").read_text(encoding="utf-8"))["epochs"] == 60
    steps = [line["step"] for line in map(json.loads, Path("run/metrics.jsonl").read_text().splitlines())]
    assert steps == sorted(steps) and before in steps, "the log goes on from the checkpoint"


@pytest.mark.slow
def test_a_hung_process_is_given_up_with_a_sentence(place: Path) -> None:
    begun = torchrun(2, "-m", "isthmus", *TRAIN, "train.epochs=1000", "--out", "run", ISTHMUS_PEER_SECONDS="6")
    wait_for_checkpoint(begun)
    first, victim = workers_of(begun)
    os.kill(victim, signal.SIGSTOP)
    try:
        deadline = time.monotonic() + 60
        while alive(first) and time.monotonic() < deadline:
            time.sleep(0.5)
    finally:
        os.kill(victim, signal.SIGCONT)
    code, _, err = done(begun)
    assert code != 0 and "did not answer for 6 s" in err, err


def test_training_evaluation_and_latents_are_those_of_one_process(place: Path) -> None:
    few = (*TRAIN, "train.steps=12")
    assert alone("isthmus", *few, "--out", "one").returncode == 0
    code, out, err = done(torchrun(2, "-m", "isthmus", *few, "--out", "two"))
    assert code == 0, err
    assert out.count("this model") == 1, "one process speaks"
    ours, theirs = (json.loads((place / run / "evaluation.json").read_text()) for run in ("one", "two"))
    for who in ("model", "pca"):
        means = [found["scores"][who]["psnr"]["mean"] for found in (ours, theirs)]
        assert means[0] == pytest.approx(means[1], abs=0.02)  # biases before a norm learn rounding errors
    # the same weights are evaluated and encoded to the same bits
    scores = pq.read_table(place / "two" / "per_image.parquet")
    assert alone("isthmus", "evaluate", "two", "--json").returncode == 0
    again = pq.read_table(place / "two" / "per_image.parquet")
    assert again.column_names == scores.column_names
    for name in scores.column_names:  # SSIM of such small images is undefined: NaN
        np.testing.assert_array_equal(again[name].to_numpy(), scores[name].to_numpy(), err_msg=name)
    assert alone("isthmus", "encode", "two", "digits", "--out", "one.parquet").returncode == 0
    code, _, err = done(torchrun(2, "-m", "isthmus", "encode", "two", "digits", "--out", "two.parquet"))
    assert code == 0, err
    assert pq.read_table(place / "one.parquet").equals(pq.read_table(place / "two.parquet"))

"""Memory that does not suffice: said before it is taken where that can be known, and never a signal."""

from __future__ import annotations

import errno
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.command import TINY, assert_refused, environment, isthmus, train

from isthmus.cli import exit_codes
from isthmus.core import memory_limit
from isthmus.core.errors import RunError, out_of_memory
from isthmus.kernels.compiled import why_unavailable
from isthmus.recipes.study_plan import load_recipe
from isthmus.training import in_folder, memory_estimate
from isthmus.training.memory_estimate import Plan, check_memory

CPU = torch.device("cpu")
AMOUNTS = re.compile(r"need\w* (over )?[\d.e+]+ [TPE]B of memory.* and [\d.]+ [GT]B are free; make")


@pytest.mark.parametrize(
    "change",
    [
        f"bottleneck.dim={10**18}",
        f"bottleneck.dim={10**12}",
        f"architecture.filters=[{10**9},{10**9}]",
        f"architecture.kernel={10**9 + 1}",
        f"data.size={10**9}",
        f"data.size={10**18}",
        f"data.train={10**18}",
    ],
)
def test_absurd_sizes_say_how_much_they_need_and_how_much_there_is(change: str, tmp_path: Path) -> None:
    answer = train(tmp_path / "run", change)
    assert_refused(answer, "memory", code=1)
    assert AMOUNTS.search(answer.err), answer.err


def test_a_study_says_it_before_anything_is_trained(tmp_path: Path) -> None:
    answer = isthmus("study", "demo", f"bottleneck.dim={10**12}", "train.epochs=1", "-o", tmp_path / "out")
    assert answer.code != 0
    (tmp_path / "mine.toml").write_text(
        "[base]\narchitecture = { kind = 'conv', filters = [4], strides = [2] }\n"
        "bottleneck = { kind = 'vector', dim = 3 }\ndata = { kind = 'scenes', train = 80, test = 12 }\n"
        "[[variation]]\nname = 'plain'\n[[variation]]\nname = 'vast'\nchanges.bottleneck.dim = 1000000000000\n"
    )
    assert_refused(isthmus("study", tmp_path / "mine.toml", "-o", tmp_path / "out"), "vast: ", "are free", code=1)
    assert not (tmp_path / "out").exists()


def test_more_threads_than_any_machine_has_are_refused(tmp_path: Path) -> None:
    """OpenMP ends the process for want of memory for them."""
    assert_refused(train(tmp_path / "run", "train.threads=1000000000"), "train.threads")


def _recipe(changes: dict[str, Any] | None = None) -> Any:
    options = dict(word.split("=", 1) for word in TINY)
    return load_recipe("post/latent-10", {**{key: _value(text) for key, text in options.items()}, **(changes or {})})


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text


def test_a_step_that_may_not_fit_is_a_warning_and_weights_that_do_not_are_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shape = (3, 32, 32)
    monkeypatch.setattr(memory_limit, "available", lambda: 8 << 30)
    assert check_memory(_recipe(), shape, 80, CPU, "fp32") == Plan(False)
    monkeypatch.setattr(memory_limit, "available", lambda: 2 << 30)
    plan = check_memory(_recipe({"train.batch": 10**9}), shape, 500_000, CPU, "fp32")
    assert plan.recompute and "A step on 500,000 images" in plan.said[-1] and "train.batch" in plan.said[-1]
    few = check_memory(_recipe({"train.batch": 10**9}), shape, 16, CPU, "fp32")
    assert few == Plan(False), "a batch is no larger than the set"
    monkeypatch.setattr(memory_limit, "available", lambda: 10_000)
    with pytest.raises(RunError, match=r"needs [\d.]+ kB .* 10 kB are free"):
        check_memory(_recipe(), shape, 80, CPU, "fp32")
    monkeypatch.setattr(memory_limit, "available", lambda: None)
    assert check_memory(_recipe(), shape, 80, CPU, "fp32") == Plan(False)


def test_a_step_on_very_large_images_is_a_warning_before_it_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted without taking that memory."""
    monkeypatch.setattr(memory_estimate, "available", lambda _: 10**10)
    plan = check_memory(load_recipe("photo", {}), (3, 4096, 4096), 1000, CPU, "fp32")
    assert plan.recompute
    assert re.search(r"^A step on \d+ images needs about \d{2,}[\d.]* GB of memory, and 10 GB are free", plan.said[-1])
    assert "data.size or train.batch smaller" in plan.said[-1]


def test_counting_draws_no_random_number() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    memory_estimate._Need(_recipe(), (3, 320, 320), 160, 1 << 40, "fp32").step(recompute=True)
    assert torch.equal(torch.get_rng_state(), before)


def test_what_a_shell_leaves_is_known() -> None:
    code = (
        "import resource; from isthmus.core import memory_limit; "
        "resource.setrlimit(resource.RLIMIT_AS, (10**9, 10**9)); "
        "print(memory_limit.available())"
    )
    said = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, check=True, text=True)
    assert 0 < int(said.stdout) < 10**9


@pytest.mark.parametrize(
    ("error", "amount"),
    [
        (MemoryError(), None),
        (
            RuntimeError(
                "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 96000000000000 bytes."
            ),
            "(96 TB more",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 2.50 GiB. GPU 0"), "2.50 GiB"),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), None),
        (RuntimeError("can't start new thread"), "(`ulimit -u`)"),
    ],
)
def test_one_sentence_for_all_that_say_it(error: Exception, amount: str | None) -> None:
    said = out_of_memory(error)
    assert said is not None and "memory" in said
    assert amount is None or amount in said
    assert out_of_memory(ValueError("shapes differ")) is None


@pytest.mark.parametrize(("verb", "goes_on"), [("train", True), ("study", True), ("sample", False), ("export", False)])
def test_only_verbs_that_save_promise_to_go_on(
    verb: str, goes_on: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["isthmus", verb])
    for error in (MemoryError(), KeyboardInterrupt(), OSError(errno.ENOSPC, "full"), OSError(errno.EIO, "broken")):

        def failing(error: BaseException = error) -> None:
            raise error

        assert exit_codes.code_of(failing) in (1, 130)
        said = capsys.readouterr().err
        assert ("goes on from what was saved" in said) == goes_on, said
        assert f"`isthmus {verb}{' --resume' if verb == 'train' else ''}`" in said or not goes_on
        assert goes_on or "give the command again" in said


def test_a_run_without_memory_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As from torch, after the first epoch: the checkpoint stays, and the run ends with the bits it would have had."""
    assert train(tmp_path / "whole", "-q", "--keep-optimizer").code == 0
    real, steps = in_folder.train, iter(range(8))

    def starved(*args: Any, **kwargs: Any) -> Any:
        for event in real(*args, **kwargs):
            yield event
            if next(steps, None) is None:
                np.empty(1 << 60, np.uint8)

    with monkeypatch.context() as patch:
        patch.setattr(in_folder, "train", starved)
        answer = train(tmp_path / "run", "-q")
    assert_refused(answer, "there is not enough memory", "train.batch", "--resume", code=1)
    assert (tmp_path / "run" / "checkpoints" / "last").is_dir()
    assert train(tmp_path / "run", "-q", "--resume", "--keep-optimizer").code == 0
    last = Path("checkpoints", "last", "model.safetensors")
    assert (tmp_path / "run" / last).read_bytes() == (tmp_path / "whole" / last).read_bytes()


# In one process: a limit a little above what it has, and a little more, until all fits.
STARVED = """
import resource, sys, torch
from isthmus.kernels import tiled_convolution, winograd
from isthmus.kernels.convolution import Convolution

torch.set_num_threads(2)
how, found = Convolution(1, 1, 1), {}
x = torch.randn(8, 32, 32, 32).requires_grad_()
weight = torch.randn(32, 32, 3, 3).requires_grad_()

def step():
    y = x
    if winograd.ready():
        y = winograd.convolve(y, weight, None, how)
    if tiled_convolution.ready():
        y = tiled_convolution.convolve(y, weight, None, how)
    y.sum().backward()

step()
page = resource.getpagesize()
for more in range(0, 24 << 20, 1 << 18):
    taken = int(open("/proc/self/statm").read().split()[0]) * page
    resource.setrlimit(resource.RLIMIT_AS, (taken + more, resource.RLIM_INFINITY))
    try:
        step()
        said = "done"
    except MemoryError as error:
        said = str(error)
    except RuntimeError as error:
        assert "allocate memory" in str(error), error
        said = "torch"
    found[said] = found.get(said, 0) + 1
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(found)
"""


@pytest.mark.skipif(why_unavailable() is not None, reason="no compiled kernels")
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
def test_kernels_without_memory_raise_and_never_end_the_process() -> None:
    # every large piece of memory is asked of the system, so that the limit is met wherever one is needed
    starved = environment(
        MALLOC_MMAP_THRESHOLD_="65536", MALLOC_TOP_PAD_="0", MALLOC_ARENA_MAX="1", OMP_NUM_THREADS="2"
    )
    answer = subprocess.run([sys.executable, "-c", STARVED], env=starved, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, f"{answer.returncode}: {answer.stderr[-500:]}"
    assert "a compiled kernel found no memory" in answer.stdout
    assert "done" in answer.stdout


LIMITS = (0.6, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4, 1.6, 1.8, 2.0, 2.4)  # GB of addresses; it takes up to about two


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on memory")
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_little_memory_is_a_sentence_and_the_run_can_be_resumed(precision: str, tmp_path: Path) -> None:
    """Whatever the limit: done, or one sentence and exit code 1; never a signal, and never a run that is lost."""
    words = ["train", "post/latent-10", "data.kind=scenes", "data.train=400", "data.test=12", "model.linear=none"]
    words += ["train.epochs=1", "train.batch=256", "train.device=cpu", f"train.precision={precision}", "-q"]
    codes: dict[float, int] = {}
    for limit in LIMITS:
        folder = tmp_path / str(limit)
        answer = subprocess.run(
            [sys.executable, "-m", "isthmus", *words, "-o", folder],
            env=environment(OMP_NUM_THREADS="2"),
            preexec_fn=lambda limit=limit: resource.setrlimit(resource.RLIMIT_AS, (int(limit * 1e9),) * 2),
            capture_output=True,
            text=True,
            check=False,
        )
        codes[limit] = answer.returncode
        assert answer.returncode in (0, 1), f"{limit} GB: {answer.returncode}, {answer.stderr[-500:]}"
        if answer.returncode:
            assert "isthmus: " in answer.stderr and "memory" in answer.stderr, f"{limit} GB: {answer.stderr[-500:]}"
        if answer.returncode and (folder / "checkpoints").exists():
            assert isthmus(*words, "-o", folder, "--resume").code == 0
    assert set(codes.values()) == {0, 1}, codes

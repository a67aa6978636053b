"""Threads: which does what, and what other programs do meanwhile, changes no bit."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Generator

import numpy as np
import pytest
import torch
from torch import Tensor

from command import environment
from isthmus.evaluation.scoring import Scoring
from isthmus.kernels import threads
from isthmus.kernels.compiled import why_unavailable
from isthmus.kernels.norm_leaky import norm_leaky
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.collect_latents import Collecting
from isthmus.models.layers import BatchNorm
from isthmus.recipes.recipe import Recipe
from isthmus.training.devices import cpu_threads

needs_kernels = pytest.mark.skipif(why_unavailable() is not None, reason="no compiler is here")

# digests of the weights after some steps, by precision and number of threads; and whether kernels carry the steps
STEPS = """
import hashlib, numpy as np, torch
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.recipes.study_plan import load_recipe
from isthmus.kernels import tiled_convolution
from isthmus.kernels.choose import choose
from isthmus.training import devices
from isthmus.training.batches import Batches
from isthmus.training.optimizers import build_optimizer
from isthmus.training.steps import EagerStep

images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (40, 3, 16, 16), dtype=np.uint8))
changes = {"data.kind": "scenes", "architecture.filters": [16, 32], "architecture.strides": [1, 2]}
for precision in ("fp32", "bf16"):
    if precision == "bf16" and devices.choose_precision("auto", torch.device("cpu")) != "bf16":
        continue
    for count in (1, 2, 3):
        recipe = load_recipe("post-faithful/latent-10", changes)
        with devices.cpu_threads(count):
            torch.manual_seed(0)
            model = Autoencoder(recipe, (3, 16, 16)).to(memory_format=torch.channels_last)
            kernels = choose("auto", torch.device("cpu"), model, precision).kernels
            objective = build_objective(recipe, model)
            optimizer = build_optimizer(model, recipe.train, objective)
            batches = Batches(images, 20, seed=0)
            how = {"precision": precision, "kernels": kernels, "seed": 0}
            step = EagerStep(model, objective, optimizer, batches, recipe.train, **how)
            for number in range(3):
                step(next(iter(batches.epoch(number))), number)
        weights = b"".join(w.detach().contiguous().numpy().tobytes() for w in model.parameters())
        carried = tiled_convolution.ready() and devices.mostly_convolutions(model, objective)
        print(precision, count, int(carried), hashlib.sha256(weights).hexdigest())
"""


@contextlib.contextmanager
def busy(count: int) -> Generator[None]:
    """Other programs' processes that take all they get of the machine, meanwhile."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
        assert all(process.poll() is None for process in processes)
    finally:
        for process in processes:
            process.kill()
            process.wait()


def digests(**changes: str) -> dict[tuple[str, ...], str]:
    done = subprocess.run(
        [sys.executable, "-c", STEPS], env=environment(**changes), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return {tuple(words[:-1]): words[-1] for words in map(str.split, done.stdout.splitlines())}


@needs_kernels
def test_steps_have_the_same_bits_however_threads_wait_and_whatever_runs_beside() -> None:
    asleep = digests(GOMP_SPINCOUNT="0")
    with busy(2):
        assert digests(GOMP_SPINCOUNT="10000") == asleep
    for precision in ("fp32", "bf16"):
        carried = {digest for (of, _, by_kernels), digest in asleep.items() if of == precision and by_kernels == "1"}
        assert len(carried) <= 1, "the number of threads changes nothing either where kernels carry a step"


@needs_kernels
def test_several_python_threads_may_call_kernels_at_a_time() -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 32, 24, 24).contiguous(memory_format=torch.channels_last)
    norm = BatchNorm(32)

    def answer() -> Tensor:
        with cpu_threads(3):
            return norm_leaky(x, torch.zeros(32), norm, 0.3).detach()

    expected, found = answer(), list[Tensor]()
    workers = [threading.Thread(target=lambda: found.extend(answer() for _ in range(20))) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 60 and all(torch.equal(one, expected) for one in found)


FORK = """
import os, torch
from isthmus.kernels.norm_leaky import norm_leaky
from torch import nn
torch.set_num_threads(3)
x, norm = torch.randn(16, 32, 24, 24).contiguous(memory_format=torch.channels_last), nn.BatchNorm2d(32)
expected = norm_leaky(x, torch.zeros(32), norm, 0.3)
child = os.fork()
if child == 0:
    found = norm_leaky(x, torch.zeros(32), norm, 0.3)
    torch.set_num_threads(1)  # PyTorch's own wait for ever
    os._exit(0 if torch.equal(found, expected) else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@needs_kernels
@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_uses_kernels_without_the_threads_that_it_lost() -> None:
    """OpenMP's would be waited for, for ever."""
    done = subprocess.run([sys.executable, "-c", FORK], env=environment(), capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["0"], done.stderr


@pytest.mark.parametrize("count", [1, 2, 3])
def test_pieces_come_in_order_each_by_one_torch_thread(count: int) -> None:
    images, seen = torch.arange(300.0).view(300, 1, 1, 1).expand(-1, 3, 16, 16), list[int]()

    def first(part: Tensor) -> float:
        seen.append(torch.get_num_threads())
        return float(part[0, 0, 0, 0])

    with cpu_threads(count):
        assert threads.pieces(first, images) == [0.0, 256.0]
        assert torch.get_num_threads() == count == threads.count()
    assert seen == [1, 1]


def test_what_goes_wrong_in_a_piece_is_told_and_threads_are_given_back() -> None:
    def fail(_: Tensor) -> None:
        raise ValueError("no")

    with cpu_threads(2):
        with pytest.raises(ValueError, match="no"):
            threads.pieces(fail, torch.zeros(200, 3, 32, 32))
        assert torch.get_num_threads() == 2


def test_kernels_keep_their_threads_where_torch_has_one() -> None:
    with cpu_threads(3):
        with threads.torch_on_one():
            assert (torch.get_num_threads(), threads.count()) == (1, 3)
            with threads.torch_on_one():
                assert (torch.get_num_threads(), threads.count()) == (1, 3)
        assert (torch.get_num_threads(), threads.count()) == (3, 3)


def test_an_evaluation_has_the_same_bits_on_any_number_of_threads(tiny: Callable[..., Recipe]) -> None:
    images = np.random.default_rng(0).integers(0, 256, (150, 3, 32, 32), dtype=np.uint8)
    torch.manual_seed(0)
    model = Autoencoder(tiny(), images.shape[1:]).eval()
    answers = []
    for count in (1, 2, 3):
        with cpu_threads(count):
            collecting = Collecting(model)
            output = collecting.reconstruct(images)
            scores = Scoring().add({"model": output}, images)
            answers.append((output, *scores["model"].values(), collecting.collected().z))
    assert all(np.array_equal(*pair) for other in answers[1:] for pair in zip(answers[0], other, strict=True))

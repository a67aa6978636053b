"""Inference in batches: the order of answers, the mode and the precision of the model, and how it leaves both."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from isthmus.core.pixels import Rows
from isthmus.kernels import threads
from isthmus.models import batched as inference
from isthmus.models import collect_latents
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched, batched_array
<<<<<<< ours
from isthmus.models.collect_latents import Collecting, collect
=======
from isthmus.models.collect_latents import Collecting, blocks_of
>>>>>>> theirs
from isthmus.recipes.recipe import Recipe
from isthmus.training import devices

SHAPE = (3, 32, 32)


@pytest.fixture
def model(tiny: Callable[..., Recipe]) -> Autoencoder:
    torch.manual_seed(0)
    return Autoencoder(tiny(), SHAPE)


def pictures(count: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (count, *SHAPE), dtype=np.uint8))


@pytest.mark.parametrize("in_order", [0, 7])
def test_answers_come_in_the_order_of_the_inputs(model: Autoencoder, in_order: int) -> None:
    given = pictures(150)
    with devices.cpu_threads(2):
        assert np.array_equal(batched_array(model, lambda part: part, given, in_order=in_order), given)


def test_a_function_that_draws_is_called_for_one_batch_after_the_other(model: Autoencoder) -> None:
    drawn = torch.Generator().manual_seed(3)
    with devices.cpu_threads(2):
        sizes = batched(
            model, lambda part: (len(part), torch.rand(1, generator=drawn).item()), pictures(20), in_order=8
        )
    again = torch.Generator().manual_seed(3)
    assert sizes == [(size, torch.rand(1, generator=again).item()) for size in (8, 8, 4)]


@pytest.mark.parametrize(("side", "each"), [(16, 256), (32, 256), (64, 64), (128, 16), (1024, 1)])
def test_parts_of_large_images_are_fewer_images(tiny: Callable[..., Recipe], side: int, each: int) -> None:
    """So that memory does not grow with an image's size; parts of small ones are as they were."""
    model = Autoencoder(tiny(), (3, side, side))
    sizes = batched(model, len, torch.zeros(300), in_order=inference.BATCH)
    assert sizes[:-1] == [each] * (len(sizes) - 1) and sum(sizes) == 300


@pytest.mark.parametrize(("side", "each"), [(32, 256), (64, 256), (128, 64), (256, 16), (4096, 1)])
def test_a_gpu_gets_at_most_so_many_pixels_at_once(side: int, each: int) -> None:
    assert threads.images_in_a_piece(torch.device("cuda"), side * side) == each


@pytest.mark.parametrize("in_order", [0, 2])
def test_the_model_judges_in_evaluation_mode_and_is_left_in_its_own(model: Autoencoder, in_order: int) -> None:
    """Part by part, as a part may be set apart from the rest; and where the function fails, too."""
    model.train()
    model.architecture.encoder.eval()
    before = [module.training for module in model.modules()]

    def answer(part: Tensor) -> Tensor:
        assert not any(module.training for module in model.modules())
        assert torch.is_inference_mode_enabled()
        assert not torch.backends.cudnn.allow_tf32
        return part

    batched(model, answer, pictures(3), in_order=in_order)
    assert [module.training for module in model.modules()] == before
    with pytest.raises(ZeroDivisionError):
        batched(model, lambda _part: 1 // 0, pictures(3), in_order=in_order)
    assert [module.training for module in model.modules()] == before
    assert not torch.is_inference_mode_enabled()


def test_parts_are_as_large_for_latents_as_for_their_images(model: Autoencoder) -> None:
    """What is decoded at once fits into memory where the images do."""
    images = batched(model, len, pictures(150))
    assert len(images) > 1
    assert batched(model, len, torch.zeros(150, *model.latent_shape)) == images


def test_python_answers_to_the_bit_what_the_evaluation_scores(model: Autoencoder) -> None:
    given = pictures(150).numpy()
    collecting = Collecting(model)
    outputs, latents = collecting.reconstruct(given), collecting.collected()
    assert np.array_equal(model.reconstruct(given), outputs.transpose(0, 2, 3, 1))
    assert np.array_equal(model.encode(given), latents.z)


def test_images_that_are_read_in_blocks_have_the_same_bits(model: Autoencoder, monkeypatch: pytest.MonkeyPatch) -> None:
    given, asked = pictures(800).numpy(), list[int]()

    class OnDisk(Rows):
        def __getitem__(self, rows: Any, /) -> np.ndarray:
            found = super().__getitem__(rows)
            asked.append(len(found))
            return found

<<<<<<< ours
    at_once = collect(model, given)
    monkeypatch.setattr(collect_latents, "BLOCK_BYTES", 300 * given[0].nbytes)
    assert np.array_equal(collect(model, OnDisk(given, np.arange(800))).z, at_once.z)
    assert len(asked) > 2 and sum(asked) == 800 and max(asked) <= 300
=======
    whole = Collecting(model)
    outputs = whole.reconstruct(given)
    monkeypatch.setattr(collect_latents, "BLOCK_BYTES", 300 * given[0].nbytes)
    images, parted = OnDisk(given, np.arange(800)), Collecting(model)
    parts = [parted.reconstruct(images[rows]) for rows in blocks_of(model, images)]
    assert len(asked) > 2 and sum(asked) == 800 and max(asked) <= 300
    assert np.array_equal(np.concatenate(parts), outputs)
    assert np.array_equal(parted.collected().z, whole.collected().z)
>>>>>>> theirs


def test_threads_that_judge_leave_the_flags_as_they_were(model: Autoencoder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first to begin is the first to end: what the second then puts back is not how it was before both."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    both, turn, begun = threading.Barrier(2), threading.Lock(), list[int]()
    plain = inference.full_precision

    @contextmanager
    def in_order() -> Generator[None]:
        with ExitStack() as held:
            with turn:
                held.enter_context(plain())
                begun.append(threading.get_ident())
            yield

    def reconstruct(pixels: Tensor) -> Tensor:
        both.wait(30)
        if threading.get_ident() == begun[-1]:  # the second stays until the first is gone
            end = time.monotonic() + 0.5
            while not torch.backends.cudnn.allow_tf32 and time.monotonic() < end:
                time.sleep(0.01)
        return pixels

    monkeypatch.setattr(inference, "full_precision", in_order)
    with devices.cpu_threads(2):
        batched(model, reconstruct, pictures(128))
    assert torch.backends.cudnn.allow_tf32

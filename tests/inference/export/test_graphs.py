"""Every part that can be in a model exports, and onnxruntime answers as PyTorch does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from tests.models.test_contract import PARTS, VALUES

from isthmus.core import registry
from isthmus.core.pixels import levels
from isthmus.evaluation.baselines import pca
from isthmus.inference.export.compare import answer
from isthmus.inference.export.graphs import decoder_graph, encoder_graph
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.models.pixels import to_unit
from isthmus.recipes.recipe import Recipe
from isthmus.testing.part_under_test import PartUnderTest

SHAPE = (3, 16, 16)


def pixels_of(shape: tuple[int, int, int], depth: Literal[8, 16] = 8) -> torch.Tensor:
    drawn = np.random.default_rng(0).integers(0, 1 << depth, (40, *shape), dtype=np.dtype(f"uint{depth}"))
    return torch.from_numpy(drawn)


def model_of(recipe: Recipe, shape: tuple[int, int, int] = SHAPE, depth: Literal[8, 16] = 8) -> Autoencoder:
    torch.manual_seed(0)
    model = Autoencoder(recipe, shape, depth)
    pixels = pixels_of(shape, depth)
    if model.linear is not None and (shape, depth) == (SHAPE, 8):
        model.start_at(pca.fit(pixels.numpy(), model.latent_size))
    for parameter in model.parameters():  # away from layers that begin at zero, which hide what comes after them
        parameter.data += 0.05 * torch.randn_like(parameter)
    model(to_unit(pixels))  # running statistics away from their start
    return model.eval()


def in_the_graph(sort: str, kind: str) -> bool:
    """Whether the part does anything where a model is used: no objective does, nor noise that only trains."""
    return sort in ("architectures", "bottlenecks") or (
        sort == "corruptions" and registry.find(sort, kind).at_inference
    )


CASES = [(sort, kind, "none") for sort, kind in PARTS if in_the_graph(sort, kind)]
CASES += [(sort, kind, "pca") for sort, kind in PARTS if sort == "architectures"]
# an export takes seconds, and the operations of these are those of others
ALIKE = ("sparse", "top_k", "hypersphere")


@pytest.mark.parametrize(
    ("sort", "kind", "linear"),
    [pytest.param(*case, marks=pytest.mark.slow if case[1] in ALIKE else ()) for case in CASES],
)
def test_a_model_with_this_part_answers_the_same_as_onnx(sort: str, kind: str, linear: str) -> None:
    model = model_of(PartUnderTest(sort, kind, VALUES).recipe({"model.linear": linear}))
    assert_onnx_answers_as(model, pixels_of(SHAPE)[:7])


@pytest.mark.parametrize(
    ("kind", "shape", "depth"),
    [
        ("conv", (1, 14, 21), 8),
        ("residual", (5, 13, 18), 16),
        pytest.param("vit", (4, 9, 22), 8, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_a_model_of_any_images_answers_the_same_as_onnx(
    kind: str, shape: tuple[int, int, int], depth: Literal[8, 16]
) -> None:
    """Grey, more channels than colours, sides that are padded, 16 bits; beside a linear path too."""
    model = model_of(PartUnderTest("architectures", kind, VALUES).recipe({"model.linear": "pca"}), shape, depth)
    assert_onnx_answers_as(model, pixels_of(shape, depth)[:7])


def assert_onnx_answers_as(model: Autoencoder, pixels: torch.Tensor) -> None:
    """At batches of 1 and 3: latents to 1e-4, images to 1e-4 beside the rounding of pixels."""
    encoder, decoder = encoder_graph(model), decoder_graph(model)
    highest = levels(pixels.dtype)
    latents = batched_array(model, model.encode_pixels, pixels)
    outputs = batched_array(model, model.reconstruct_pixels, pixels) / highest
    for batch in (1, 3):
        found = answer(encoder, pixels.numpy().astype(np.float32), batch=batch)
        np.testing.assert_allclose(found, latents, atol=1e-4 * max(1, np.abs(latents).max()), rtol=0)
        seen = answer(decoder, latents, batch=batch)
        assert seen.min() >= 0 and seen.max() <= 1
        np.testing.assert_allclose(seen, outputs, atol=0.5 / highest + 1e-4, rtol=0)


def test_names_shapes_and_the_maker_are_in_the_file(tiny: Callable[..., Recipe]) -> None:
    model = model_of(tiny())
    encoder, decoder = encoder_graph(model), decoder_graph(model)
    assert [shape(value) for value in (*encoder.graph.input, *encoder.graph.output)] == [
        ("image", ["batch", 3, 16, 16]),
        ("latent", ["batch", 3]),
    ]
    assert [shape(value) for value in (*decoder.graph.input, *decoder.graph.output)] == [
        ("latent", ["batch", 3]),
        ("image", ["batch", 3, 16, 16]),
    ]
    assert encoder.producer_name == "isthmus"
    assert encoder.opset_import[0].version >= 18
    text = (encoder.SerializeToString() + decoder.SerializeToString()).decode("latin-1")
    assert ".py" not in text, "the file names sources of the machine it was made on"


def shape(value: Any) -> tuple[str, list[int | str]]:
    sizes = value.type.tensor_type.shape.dim
    return value.name, ["batch" if size.dim_param else size.dim_value for size in sizes]


def test_checking_an_export_reports_to_nobody(tmp_path: Path) -> None:
    """onnxruntime keeps a device's identity and its reports in the cache folder, until it can send them."""
    program = (
        "import torch\n"
        "from isthmus.inference.export.compare import answer\n"
        "from onnx import helper, TensorProto as T\n"
        "of = lambda name: helper.make_tensor_value_info(name, T.FLOAT, [1])\n"
        "graph = helper.make_graph([helper.make_node('Relu', ['x'], ['y'])], 'g', [of('x')], [of('y')])\n"
        "model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)\n"
        "answer(model, torch.zeros(1).numpy())\n"
    )
    kept = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", program], env={**kept, "XDG_CACHE_HOME": str(tmp_path)}, check=True)
    assert not list(tmp_path.glob("Microsoft/**/*"))

"""Weights in fewer bits: smaller files, nearly the same answers."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from hypothesis import given, strategies
from hypothesis.extra import numpy as arrays
from onnx import TensorProto, helper, numpy_helper

from isthmus.inference.export.compare import answer
from isthmus.inference.export.storage import LEAST, in_bytes, in_half, quantise


def dense(weights: np.ndarray, bias: np.ndarray) -> onnx.ModelProto:
    graph = helper.make_graph(
        [helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=1)],
        "dense",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", weights.shape[1]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", weights.shape[0]])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


@pytest.mark.parametrize(("store", "share", "tolerance"), [(in_half, 0.55, 1e-3), (in_bytes, 0.3, 2e-2)])
def test_a_stored_graph_is_smaller_and_answers_nearly_the_same(store, share: float, tolerance: float) -> None:  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(0)
    whole = dense(rng.standard_normal((64, 128), np.float32), rng.standard_normal(64, np.float32))
    stored = store(whole)
    assert stored.ByteSize() < share * whole.ByteSize()
    x = rng.standard_normal((5, 128), np.float32)
    expected = answer(whole, x)
    assert 0 < np.abs(answer(stored, x) - expected).max() < tolerance * np.abs(expected).max()


def test_small_tensors_stay_as_they_are() -> None:
    weights, bias = np.ones((8, LEAST // 16), np.float32), np.ones(8, np.float32)
    assert in_bytes(dense(weights, bias)) == dense(weights, bias)


def test_the_original_is_left_alone() -> None:
    whole = dense(np.ones((64, 64), np.float32), np.ones(64, np.float32))
    before = whole.SerializeToString()
    in_bytes(whole)
    assert whole.SerializeToString() == before


def test_weights_beyond_half_precision_stay_finite() -> None:
    weights = np.full((64, 64), 1e6, np.float32)
    assert np.isfinite(answer(in_half(dense(weights, np.zeros(64, np.float32))), np.ones((1, 64), np.float32))).all()


def test_columns_of_different_width_get_a_scale_each() -> None:
    """As in the way out of whitened latents: a scale a row would lose the narrow columns."""
    matrix = (np.random.default_rng(0).standard_normal((50, 32)) / np.arange(1, 33)).astype(np.float32)
    small, scale = quantise(matrix)
    assert scale.shape == (1, 32)
    assert (np.abs(small * scale - matrix) <= scale / 2 * 1.001).all()


def test_kernels_of_convolutions_get_a_scale_for_each_channel() -> None:
    kernels = np.random.default_rng(0).standard_normal((16, 8, 3, 3)).astype(np.float32)
    kernels *= np.geomspace(0.01, 10, 16, dtype=np.float32).reshape(-1, 1, 1, 1)
    small, scale = quantise(kernels)
    assert small.shape == kernels.shape and scale.shape == (16, 1, 1, 1)
    assert (np.abs(small * scale - kernels) <= scale * 0.5001).all()


def test_kernels_take_half_as_much_where_this_is_asked_for() -> None:
    kernels = np.random.default_rng(0).standard_normal((32, 16, 3, 3)).astype(np.float32)
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])],
        "conv",
        [value("x", TensorProto.FLOAT, ["batch", 16, 8, 8])],
        [value("y", TensorProto.FLOAT, ["batch", 32, 6, 6])],
        [numpy_helper.from_array(kernels, "w")],
    )
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    in_16_bits, in_8_bits = in_bytes(whole), in_bytes(whole, kernel_levels=127)
    assert in_8_bits.ByteSize() < 0.6 * in_16_bits.ByteSize()
    x = np.random.default_rng(1).standard_normal((2, 16, 8, 8), np.float32)
    expected = answer(whole, x)
    for stored, tolerance in ((in_16_bits, 1e-3), (in_8_bits, 2e-2)):
        assert 0 < np.abs(answer(stored, x) - expected).max() < tolerance * np.abs(expected).max()


@given(arrays.arrays(np.float32, (6, 7), elements=strategies.floats(-1e3, 1e3, width=32)))
def test_no_value_moves_by_more_than_half_a_step(matrix: np.ndarray) -> None:
    small, scale = quantise(matrix)
    assert small.dtype == np.int8
    assert (np.abs(small * scale - matrix) <= scale * 0.5001 + 1e-6).all()

"""Weights in fewer bits: the file stores fewer bits, the graph still computes in float32.

A smaller initializer and nodes that convert it to float32 replace each initializer. A runtime converts it once, when
it loads the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

LEAST = 256  # values; for a smaller tensor the conversion nodes take as many bytes as they save
_LARGEST_HALF = 65504.0


def in_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy that stores weights in 16 bits."""
    return _stored(model, lambda values: _half)


def in_bytes(model: onnx.ModelProto, *, levels: int = 127, kernel_levels: int | None = None) -> onnx.ModelProto:
    """A copy that stores matrices in 8 bits, with one scale per row or column, and other weights in 16 bits.

    levels: the largest integer stored; half of 127 makes a zipped file an eighth smaller.
    kernel_levels: the same for kernels of convolutions (4 axes), which have one scale per input or output channel;
        None keeps them in 16 bits.
    """
    by_axes = {2: levels, 4: kernel_levels}

    def choose(values: np.ndarray) -> Store:
        largest = by_axes.get(values.ndim)
        return _half if largest is None else partial(_bytes, largest)

    return _stored(model, choose)


Store = Callable[[str, np.ndarray], tuple[list[TensorProto], list[NodeProto]]]


def _stored(model: onnx.ModelProto, choose: Callable[[np.ndarray], Store]) -> onnx.ModelProto:
    result = onnx.ModelProto()
    result.CopyFrom(model)
    graph = result.graph
    kept: list[TensorProto] = []
    widening: list[NodeProto] = []
    for tensor in graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.size < LEAST:
            kept.append(tensor)
            continue
        tensors, nodes = choose(values)(tensor.name, values)
        kept += tensors
        widening += nodes
    nodes = [*widening, *graph.node]
    del graph.initializer[:]
    del graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(result)
    return result


def _half(name: str, values: np.ndarray) -> tuple[list[TensorProto], list[NodeProto]]:
    small = values.clip(-_LARGEST_HALF, _LARGEST_HALF).astype(np.float16)
    widen = helper.make_node("Cast", [f"{name}.half"], [name], to=TensorProto.FLOAT)
    return [numpy_helper.from_array(small, f"{name}.half")], [widen]


def _bytes(levels: int, name: str, values: np.ndarray) -> tuple[list[TensorProto], list[NodeProto]]:
    small, scale = quantise(values, levels)
    tensors = [numpy_helper.from_array(small, f"{name}.bytes"), numpy_helper.from_array(scale, f"{name}.scale")]
    nodes = [
        helper.make_node("Cast", [f"{name}.bytes"], [f"{name}.wide"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{name}.wide", f"{name}.scale"], [name]),
    ]
    return tensors, nodes


def quantise(matrix: np.ndarray, levels: int = 127) -> tuple[np.ndarray, np.ndarray]:
    """(R, C) float32 -> int8 (R, C) and float32 scale, (R, 1) or (1, C), whichever loses less.

    Kernels (R, C, H, W) get scales (R, 1, 1, 1) or (1, C, 1, 1).
    The columns of a matrix that decodes whitened latents differ by orders of magnitude; rows of most layers do not.
    """
    tried: list[tuple[float, np.ndarray, np.ndarray]] = []
    for kept in (0, 1):
        others = tuple(axis for axis in range(matrix.ndim) if axis != kept)
        scale = (np.abs(matrix).max(axis=others, keepdims=True) / levels).astype(np.float32)
        small = np.rint(matrix / np.where(scale > 0, scale, 1)).astype(np.int8)
        tried.append((float(np.square(small * scale - matrix, dtype=np.float64).sum()), small, scale))
    _, small, scale = min(tried, key=lambda one: one[0])
    return small, scale

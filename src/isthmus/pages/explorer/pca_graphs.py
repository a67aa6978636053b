"""PCA as an ONNX graph, so that the page runs PCA the same way as the model."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from isthmus.evaluation.baselines.pca import PrincipalComponents
from isthmus.evaluation.baselines.yardstick import Yardstick
from isthmus.inference.export.graphs import OPSET
from isthmus.inference.export.storage import in_bytes
from isthmus.models.padding import before, grid

Constants = dict[str, np.ndarray]


def pca_graph(yardstick: Yardstick, image_shape: tuple[int, int, int], most: int) -> onnx.ModelProto:
    """image (B, C, H, W) in 0..`most` -> image_hat (B, C, H, W) in [0, 1]; matrices have 8 bits."""
    if yardstick.square:
        nodes, constants = _of_squares(yardstick, image_shape)
    else:
        nodes, constants = _of_whole(yardstick.components, yardstick.size, image_shape)
    constants |= {
        "scale": np.array(1 / most, np.float32),
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
    }
    nodes = [
        helper.make_node("Mul", ["image", "scale"], ["unit"]),
        *nodes,
        helper.make_node("Clip", ["answer", "zero", "one"], ["image_hat"]),
    ]
    shape = ["batch", *image_shape]
    graph = helper.make_graph(
        nodes,
        "pca",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("image_hat", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.ascontiguousarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=10)
    return in_bytes(model)


def _of_whole(
    components: PrincipalComponents, size: int, image_shape: tuple[int, int, int]
) -> tuple[list[NodeProto], Constants]:
    """unit -> answer, both (B, C, H, W), through the first `size` components."""
    nodes = [
        helper.make_node("Flatten", ["unit"], ["rows"]),
        helper.make_node("Sub", ["rows", "mean"], ["centred"]),
        helper.make_node("Gemm", ["centred", "directions"], ["latent"], transB=1),
        helper.make_node("Gemm", ["latent", "directions", "mean"], ["made"]),
        helper.make_node("Reshape", ["made", "shape"], ["answer"]),
    ]
    return nodes, {
        "mean": components.mean,
        "directions": components.directions[:size],
        "shape": np.array([-1, *image_shape], np.int64),
    }


def _of_squares(yardstick: Yardstick, image_shape: tuple[int, int, int]) -> tuple[list[NodeProto], Constants]:
    """The same by a convolution whose stride is the side of a square, on the padded image, which is then cropped."""
    (channels, *sides), side = image_shape, yardstick.square
    places = grid((sides[0], sides[1]), side)
    directions = yardstick.components.directions[: yardstick.size // (places[0] * places[1])]
    missing = [count * side - given for count, given in zip(places, sides, strict=True)]
    first = [before(one) for one in missing]
    last = [one - begun for one, begun in zip(missing, first, strict=True)]
    nodes = [
        helper.make_node("Pad", ["unit", "pads"], ["padded"], mode="edge"),
        helper.make_node("Sub", ["padded", "mean"], ["centred"]),
        helper.make_node("Conv", ["centred", "directions"], ["latent"], strides=[side, side]),
        helper.make_node("ConvTranspose", ["latent", "directions"], ["varied"], strides=[side, side]),
        helper.make_node("Add", ["varied", "mean"], ["whole"]),
        helper.make_node("Slice", ["whole", "from", "to", "axes"], ["answer"]),
    ]
    return nodes, {
        "mean": np.tile(yardstick.components.mean.reshape(1, channels, side, side), (1, 1, *places)),
        "directions": directions.reshape(-1, channels, side, side),
        "pads": np.array([0, 0, *first, 0, 0, *last], np.int64),
        "from": np.array(first, np.int64),
        "to": np.array([begun + given for begun, given in zip(first, sides, strict=True)], np.int64),
        "axes": np.array([2, 3], np.int64),
    }

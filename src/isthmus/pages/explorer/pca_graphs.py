"""PCA as an ONNX graph, so that the page runs PCA the same way as the model."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from isthmus.evaluation.baselines.pca import PrincipalComponents
from isthmus.inference.export.graphs import OPSET
from isthmus.inference.export.storage import in_bytes


def pca_graph(
    components: PrincipalComponents, size: int, image_shape: tuple[int, int, int], most: int
) -> onnx.ModelProto:
    """image (B, C, H, W) in 0..`most` -> image_hat in [0, 1], through the first `size` components; 8-bit matrices."""
    constants = {
        "scale": np.array(1 / most, np.float32),
        "mean": components.mean,
        "directions": components.directions[: components.held(size)],
        "zero": np.array(0, np.float32),
        "one": np.array(1, np.float32),
        "shape": np.array([-1, *image_shape], np.int64),
    }
    nodes: list[NodeProto] = [
        helper.make_node("Flatten", ["image"], ["rows"]),
        helper.make_node("Mul", ["rows", "scale"], ["unit"]),
        helper.make_node("Sub", ["unit", "mean"], ["centred"]),
        helper.make_node("Gemm", ["centred", "directions"], ["latent"], transB=1),
        helper.make_node("Gemm", ["latent", "directions", "mean"], ["answer"]),
        helper.make_node("Clip", ["answer", "zero", "one"], ["clipped"]),
        helper.make_node("Reshape", ["clipped", "shape"], ["image_hat"]),
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

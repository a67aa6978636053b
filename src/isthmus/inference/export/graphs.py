"""The encoder and the decoder of an autoencoder as ONNX graphs that include preprocessing."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Generator
from typing import Any

import onnx
import torch
from torch import Tensor, nn

import isthmus
from isthmus.core.pixels import levels
from isthmus.models.autoencoder import Autoencoder

OPSET = 20


class Encoding(nn.Module):
    """image (B, C, H, W) float, from 0 to the pixels' highest level -> latent (B, *latent_shape)."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        x = image / (levels(self.model.pixel_type) / 2) - 1
        x_in = self.model.corruption(x) if self.model.corruption.at_inference else x
        return self.model.latent(x_in)[1].z.float()


class Decoding(nn.Module):
    """latent (B, *latent_shape) -> image (B, C, H, W) float in [0, 1]."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor) -> Tensor:
        return ((self.model.decode_latents(latent) + 1) / 2).clamp(0, 1)


def encoder_graph(model: Autoencoder) -> onnx.ModelProto:
    """Encoder and bottleneck; `model` is on the CPU and in evaluation mode."""
    example = torch.zeros((2, *model.image_shape))
    return _graph(Encoding(model).eval(), example, "image", "latent")


def decoder_graph(model: Autoencoder) -> onnx.ModelProto:
    """From latent to image; `model` is on the CPU and in evaluation mode."""
    example = torch.zeros((2, *model.latent_shape))
    return _graph(Decoding(model).eval(), example, "latent", "image")


def _graph(module: nn.Module, example: Tensor, given: str, answer: str) -> onnx.ModelProto:
    with _silent():
        program: Any = torch.onnx.export(
            module,
            (example,),
            input_names=[given],
            output_names=[answer],
            dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
            opset_version=OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    proto: onnx.ModelProto = program.model_proto
    proto.producer_name, proto.producer_version = "isthmus", isthmus.__version__
    for part in (proto.graph, *proto.functions):
        for node in part.node:  # the exporter stores Python source lines there, with paths of this machine
            node.ClearField("metadata_props")
            node.ClearField("doc_string")
        part.ClearField("metadata_props")
    for value in (*proto.graph.initializer, *proto.graph.input, *proto.graph.output, *proto.graph.value_info):
        value.ClearField("metadata_props")
    onnx.checker.check_model(proto)
    return proto


@contextlib.contextmanager
def _silent() -> Generator[None]:
    """Silence the exporter's stdout, log and warnings; a failure still raises."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(level)

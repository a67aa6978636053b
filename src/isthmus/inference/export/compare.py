"""The output of exported graphs in onnxruntime, and its difference from PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

from isthmus.evaluation.measures.psnr import Psnr
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array

_BATCH = 64


@dataclass(frozen=True)
class Loss:
    """Loss of two graphs against PyTorch on 8-bit output: mean PSNR in dB, and the share (0 to 1) of values that
    differ by more than one grey level."""

    psnr_db: float
    off: float


def answer(graph: onnx.ModelProto | Path, given: np.ndarray, *, batch: int = _BATCH) -> np.ndarray:
    """The single output of `graph` for its single input `given` (N, ...), computed in batches of `batch`."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    held = str(graph) if isinstance(graph, Path) else graph.SerializeToString()
    session = onnxruntime.InferenceSession(held, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    parts: list[Any] = [
        session.run(None, {name: given[start : start + batch]})[0] for start in range(0, len(given), batch)
    ]
    return np.concatenate(parts)


def loss(encoder: onnx.ModelProto, decoder: onnx.ModelProto, model: Autoencoder, images: np.ndarray) -> Loss:
    """Compare the graphs with `model` (on the CPU) on images (N, 3, H, W) uint8."""
    outputs = answer(decoder, answer(encoder, images.astype(np.float32)))
    theirs = torch.from_numpy(np.rint(outputs * 255).astype(np.uint8))
    pixels = torch.from_numpy(images)
    ours = torch.from_numpy(batched_array(model, model.reconstruct_pixels, pixels))
    measure = Psnr()
    return Loss(
        float((measure(ours, pixels) - measure(theirs, pixels)).mean()),
        float(((ours.int() - theirs.int()).abs() > 1).double().mean()),
    )

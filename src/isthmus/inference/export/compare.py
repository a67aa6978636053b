"""What an exported graph answers, in onnxruntime, and how far that is from PyTorch."""

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
    """What two graphs lose against PyTorch on 8-bit output: mean PSNR in dB, and the share of values, 0 to 1, that are
    more than one grey level off."""

    psnr_db: float
    off: float


def answer(graph: onnx.ModelProto | Path, given: np.ndarray, *, batch: int = _BATCH) -> np.ndarray:
    """The one output of `graph` for its one input `given` (N, ...), `batch` at a time."""
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
    """Compare on images (N, 3, H, W) uint8; `model` is on the CPU."""
    outputs = answer(decoder, answer(encoder, images.astype(np.float32)))
    theirs = torch.from_numpy(np.rint(outputs * 255).astype(np.uint8))
    pixels = torch.from_numpy(images)
    ours = torch.from_numpy(batched_array(model, model.reconstruct_pixels, pixels))
    measure = Psnr()
    return Loss(
        float((measure(ours, pixels) - measure(theirs, pixels)).mean()),
        float(((ours.int() - theirs.int()).abs() > 1).double().mean()),
    )

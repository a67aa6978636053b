"""The output of exported graphs in onnxruntime, and its difference from PyTorch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor

from isthmus.core.pixels import Pixels, blocks, levels
from isthmus.evaluation.measures.psnr import Psnr
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array

_BATCH = 64


@dataclass(frozen=True)
class Loss:
    """Loss of two graphs against PyTorch on rounded output: mean PSNR in dB, and the share (0 to 1) of values that
    differ by more than one grey level of 8 bits."""

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


def loss(encoder: onnx.ModelProto, decoder: onnx.ModelProto, model: Autoencoder, images: Pixels) -> Loss:
    """Compare the graphs with `model` (on the CPU) on images (N, C, H, W)."""
    highest, measure = levels(images.dtype), Psnr()
    lost, off = list[Tensor](), 0
    for rows in blocks(images):
        given = images[rows]
        outputs = answer(decoder, answer(encoder, given.astype(np.float32)))
        theirs = torch.from_numpy(np.rint(outputs * highest).astype(images.dtype))
        pixels = torch.from_numpy(given)
        ours = torch.from_numpy(batched_array(model, model.reconstruct_pixels, pixels))
        lost.append(measure(ours, pixels) - measure(theirs, pixels))
        off += int(((ours.int() - theirs.int()).abs() > highest // 255).sum())
    return Loss(float(torch.cat(lost).mean()), off / math.prod(images.shape))

"""Graphs small enough to send to a friend, and the quality this costs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import onnx

from isthmus.inference.export.compare import Loss, loss
from isthmus.inference.export.graphs import decoder_graph, encoder_graph
from isthmus.inference.export.storage import in_bytes, in_half
from isthmus.models.autoencoder import Autoencoder

_UNSEEN = 0.01  # share of values that may be more than a grey level of 255 off
_MOST_DB = 0.02  # the page calls models and PCA the same within 0.1 dB


def _is_unseen(lost: Loss) -> bool:
    return lost.off <= _UNSEEN and lost.psnr_db <= _MOST_DB


def _is_little(lost: Loss) -> bool:
    return lost.psnr_db <= _MOST_DB


# smallest first; each with a test that accepts or rejects its loss
_WAYS: tuple[tuple[Callable[[onnx.ModelProto], onnx.ModelProto], Callable[[Loss], bool]], ...] = (
    (partial(in_bytes, levels=31, kernel_levels=127), _is_unseen),
    (partial(in_bytes, levels=63, kernel_levels=127), _is_unseen),
    (partial(in_bytes, levels=127, kernel_levels=127), _is_unseen),
    (in_bytes, _is_little),
    (in_half, lambda lost: True),
)


@dataclass(frozen=True)
class SmallGraphs:
    """An encoder and a decoder with weights in few bits, and their loss against PyTorch."""

    encoder: onnx.ModelProto
    decoder: onnx.ModelProto
    loss: Loss


def small_graphs(model: Autoencoder, images: np.ndarray) -> SmallGraphs:
    """The smallest graphs whose output on images (N, C, H, W) is close enough to PyTorch's.

    Matrices use 6, 7 or 8 bits and kernels of convolutions 8, if the difference is invisible. Else matrices use 8 and
    kernels 16, if this costs at most 0.02 dB; else all weights use 16.
    """
    encoder, decoder = encoder_graph(model), decoder_graph(model)
    for store, will_do in _WAYS:
        made = store(encoder), store(decoder)
        lost = loss(*made, model, images)
        if will_do(lost):
            return SmallGraphs(*made, lost)
    raise AssertionError("the last way always does")

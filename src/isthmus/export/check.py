"""What an exported graph answers, in onnxruntime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime

_BATCH = 64


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

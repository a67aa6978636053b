"""preview.safetensors: validation images and what the model makes of them, while it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import load, save

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.run_files.arrays import PixelArray
from isthmus.run_files.read import damaged

NAME = "preview.safetensors"


@dataclass(frozen=True)
class KeptPreview:
    """Images (n, C, H, W) uint8 or uint16 and their reconstructions after `step` optimizer steps."""

    step: int
    originals: PixelArray
    outputs: PixelArray


def write_preview(folder: Path, step: int, originals: PixelArray, outputs: PixelArray) -> None:
    """Write preview.safetensors of a run: `original`, `output` and `step` (1,) int64."""
    tensors = {"original": originals, "output": outputs, "step": np.array([step], np.int64)}
    write_bytes(folder / NAME, save({name: np.ascontiguousarray(array) for name, array in tensors.items()}))


def read_preview(path: Path) -> KeptPreview:
    """Raises FileNotFoundError, and RunError if the file does not hold a preview."""
    try:
        tensors = load(read_bytes(path))
        originals, outputs, step = (tensors[name] for name in ("original", "output", "step"))
        pixels = originals.dtype.name in ("uint8", "uint16") and originals.ndim == 4 and originals.size > 0
        same = originals.shape == outputs.shape and originals.dtype == outputs.dtype
        if not pixels or not same or step.shape != (1,) or step.dtype != np.int64:
            raise ValueError("holds no originals with their outputs")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, safetensors.SafetensorError) as error:
        raise damaged(path, error) from None
    return KeptPreview(int(step[0]), originals, outputs)

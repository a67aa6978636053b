"""calibration.safetensors: the errors of normal pictures, with which a run's anomaly scores become p-values.

One file, so that a crash leaves the old calibration or the new one. Its header holds the record as JSON, and its
tensors are

- `errors` (n,) float64, ascending,
- `hashes` (n, 16) uint8, the content hashes of the pictures, in another order,
- `latent_mean` (D,) and `latent_whitening` (D, D) or (D,) float64, where the measure is `latent`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
from pydantic import Field
from safetensors.numpy import save

from isthmus.core.atomic_files import write_bytes
from isthmus.core.bounded_reading import read_bytes
from isthmus.core.errors import InputError
from isthmus.run_files.read import damaged, parse_record
from isthmus.run_files.record import Count, FileRecord, Number, Size
from isthmus.run_files.write import as_json

NAME = "calibration.safetensors"
_DTYPES = {"F64": np.float64, "U8": np.uint8}


class CalibrationRecord(FileRecord):
    """The header of calibration.safetensors."""

    isthmus: str = ""
    """Version of isthmus that wrote it."""
    measure: str
    """How errors are measured: `mse`, `ssim`, `local`, `relative`, `latent` or `elbo`."""
    why: str = ""
    """Why this measure, in a sentence."""
    separations: dict[str, Number] = Field(default_factory=dict)
    """Mean AUROC of each measure on made-up anomalies, if it was chosen by that."""
    pictures: Size
    """Number of calibration pictures, n."""
    copies: Count = 0
    """Pictures that were left out because they are copies of others, pixel for pixel."""
    source: str = ""
    """Where the pictures came from, in words."""
    weights: str
    """Hash of the weights that the errors are of; with others, the calibration is refused."""
    digest: str = ""
    """SHA-256 of the tensors."""


@dataclass(frozen=True)
class Calibration:
    """calibration.safetensors. errors: (n,) ascending. hashes: (n, 16). latent: mean and whitening, or None."""

    record: CalibrationRecord
    errors: np.ndarray
    hashes: np.ndarray
    latent: tuple[np.ndarray, np.ndarray] | None = None


def write_calibration(run: Path, calibration: Calibration) -> None:
    """Replace the run's calibration. Raises as `isthmus.core.atomic_files.write_bytes`."""
    tensors = {"errors": calibration.errors, "hashes": calibration.hashes}
    if calibration.latent is not None:
        tensors |= dict(zip(("latent_mean", "latent_whitening"), calibration.latent, strict=True))
    tensors = {name: np.ascontiguousarray(values) for name, values in tensors.items()}
    record = calibration.record.model_copy(update={"digest": _digest(tensors)})
    write_bytes(run / NAME, save(tensors, {"calibration": json.dumps(as_json(record))}))


def read_calibration(run: Path) -> Calibration:
    """The run's calibration. Raises InputError where there is none, RunError where it is damaged."""
    path, remedy = run / NAME, f"`isthmus calibrate {run} SOURCE` writes it again"
    try:
        content = read_bytes(path)
    except FileNotFoundError:
        raise InputError(
            f"{run}: not calibrated yet, so no false-alarm rate can be promised; give it normal pictures that it was "
            f"not trained on: `isthmus calibrate {run} SOURCE`"
        ) from None
    except OSError as error:
        raise damaged(path, error, f"remove it, and {remedy}") from None
    try:
        return _parsed(content)
    except (ValueError, KeyError, TypeError, OverflowError, safetensors.SafetensorError) as error:
        raise damaged(path, error, remedy) from None


def _parsed(content: bytes) -> Calibration:
    tensors: dict[str, np.ndarray] = {}
    for name, told in safetensors.deserialize(content):
        if told["dtype"] not in _DTYPES:
            raise ValueError(f"{name}: is {told['dtype']}")
        tensors[name] = np.frombuffer(told["data"], _DTYPES[told["dtype"]]).reshape(told["shape"])
    # deserialize checked the header, and does not return its text
    header: Any = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    record = parse_record(header["__metadata__"]["calibration"].encode(), CalibrationRecord)
    if record.digest != _digest(tensors):
        raise ValueError("its digest does not fit")
    errors, hashes = tensors["errors"], tensors["hashes"]
    if errors.shape != (record.pictures,) or (np.diff(errors) < 0).any() or hashes.shape != (record.pictures, 16):
        raise ValueError("its errors are not those of its pictures")
    latent = (tensors["latent_mean"], tensors["latent_whitening"]) if "latent_mean" in tensors else None
    if (record.measure == "latent") is (latent is None):
        raise ValueError("its tensors do not fit its measure")
    return Calibration(record, errors, hashes, latent)


def _digest(tensors: Mapping[str, np.ndarray]) -> str:
    whole = hashlib.sha256()
    for name in sorted(tensors):
        whole.update(f"{name} {tensors[name].dtype.name} {tensors[name].shape}\n".encode())
        whole.update(tensors[name].tobytes())
    return whole.hexdigest()

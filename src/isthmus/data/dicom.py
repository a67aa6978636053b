"""Reads DICOM files, the pictures of medical scanners, with pydicom where it is installed."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.data.bands import Bands, bands_of, check_pixels


def is_dicom(data: bytes) -> bool:
    return data.startswith(b"DICM", 128)


def read_dicom(data: bytes, channels: int | str) -> Bands:
    """The picture in a DICOM file, in the unit that the file states: Hounsfield units of a CT.

    channels: where the file has that many grey frames, they are the channels; otherwise its first frame is read.
    Raises InputError where pydicom is missing or the file holds no picture; for damaged files whatever pydicom raises.
    """
    try:
        from pydicom import dcmread, pixels  # pyright: ignore[reportMissingImports]  # an extra
    except ImportError:
        raise InputError(
            'is a DICOM file, for which pydicom is needed; pip install "isthmus[dicom]", or save it as 16-bit PNG'
        ) from None
    logging.getLogger("pydicom").addHandler(logging.NullHandler())  # our own sentence says what is wrong with a file
    file: Any = dcmread(io.BytesIO(data))
    if "PixelData" not in file:
        raise InputError("is a DICOM file without a picture; leave it out")
    frames, samples = int(file.get("NumberOfFrames") or 1), int(file.SamplesPerPixel)
    kind = str(file.PhotometricInterpretation)
    together = 1 < frames == channels and samples == 1 and kind != "PALETTE COLOR"
    check_pixels(int(file.Rows), int(file.Columns), frames if together else samples)
    try:
        values = pixels.pixel_array(file, index=None if together else 0)
    except RuntimeError as error:  # pydicom reads some compressed files only with the decoders of other packages
        if "missing dependencies" not in str(error):
            raise
        how = file.file_meta.TransferSyntaxUID.name
        raise InputError(
            f"is a DICOM file with {how}, which pydicom does not decode by itself; decompress it, such as with "
            "gdcmconv --raw"
        ) from None
    if kind == "PALETTE COLOR":
        values = pixels.apply_color_lut(values, file)
    elif samples == 1 and _has_unit(file):
        values = _whole(pixels.apply_modality_lut(values, file))
    elif int(file.BitsAllocated) == 1:
        values = values.astype(bool)
    bands = np.moveaxis(values, -1, 0) if values.ndim == 3 and not together else np.atleast_3d(values.T).T
    return bands_of(bands, inverted=kind == "MONOCHROME1", frames=1 if together else frames)


def _has_unit(file: Any) -> bool:
    """Whether stored values become others; a slope of 1 without an intercept would only make them floating-point."""
    slope, intercept = float(file.get("RescaleSlope") or 1), float(file.get("RescaleIntercept") or 0)
    return "ModalityLUTSequence" in file or (slope, intercept) != (1, 0)


def _whole(values: np.ndarray) -> np.ndarray:
    """float64 as whole numbers where all are: Hounsfield units are."""
    whole = np.rint(values)
    return whole.astype(np.int32) if np.array_equal(whole, values) and np.abs(whole).max() < 1 << 31 else values

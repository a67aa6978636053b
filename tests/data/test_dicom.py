"""DICOM files are read in the unit that they state."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pydicom = pytest.importorskip("pydicom", reason="isthmus[dicom] is not installed")

from isthmus.core.errors import InputError  # noqa: E402
from isthmus.data.form import Form  # noqa: E402
from isthmus.data.images import read_picture, value_range  # noqa: E402

RNG = np.random.default_rng(0)


def dicom(values: np.ndarray, kind: str = "MONOCHROME2", **elements: Any) -> bytes:
    """A DICOM file of values (H, W), (H, W, 3) or, with NumberOfFrames, (frames, H, W)."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

    file, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, generate_uid()
    file.file_meta = meta
    file.SOPClassUID, file.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    rgb = kind == "RGB"
    file.SamplesPerPixel, file.PhotometricInterpretation = 3 if rgb else 1, kind
    file.Rows, file.Columns = values.shape[:2] if rgb else values.shape[-2:]
    if rgb:
        file.PlanarConfiguration = 0
    file.BitsAllocated = file.BitsStored = 8 * values.dtype.itemsize
    file.HighBit, file.PixelRepresentation = file.BitsStored - 1, int(values.dtype.kind == "i")
    for name, value in elements.items():
        setattr(file, name, value)
    file.PixelData = values.tobytes()
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, file, enforce_file_format=True)
    return buffer.getvalue()


def test_a_scan_is_read_in_hounsfield_units(tmp_path: Path) -> None:
    stored = RNG.integers(0, 4096, (6, 4), dtype=np.uint16)
    path = tmp_path / "scan.dcm"
    path.write_bytes(dicom(stored, RescaleSlope=1, RescaleIntercept=-1024))
    assert value_range(path, Form(), name="scan") == (int(stored.min()) - 1024, int(stored.max()) - 1024)
    pixels, handled = read_picture(path, Form(range=(-1024, 3071)), name="scan")
    assert np.array_equal(pixels[0], np.rint(stored / 4095 * 65535))
    assert (handled.channels, handled.bits) == (1, 16)
    with pytest.raises(InputError, match=r"^scan: holds 32-bit pixels, whose scale is unknown"):
        read_picture(path, Form(range="full"), name="scan")


def test_low_values_that_are_light_are_shown_light() -> None:
    stored = np.array([[0, 1000], [2000, 4000]], dtype=np.uint16)
    pixels, handled = read_picture(dicom(stored, "MONOCHROME1"), Form(range=(0, 4000)), name="scan")
    assert pixels[0].tolist() == [[65535, 49151], [32768, 0]] and handled.inverted
    eight = read_picture(dicom(stored.astype(np.uint8), "MONOCHROME1"), Form(), name="scan")[0]
    assert eight.dtype == np.uint8 and np.array_equal(eight[0], 255 - stored.astype(np.uint8))


def test_colours_and_frames_are_read() -> None:
    colours = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
    assert np.array_equal(read_picture(dicom(colours, "RGB"), Form(), name="scan")[0], colours.transpose(2, 0, 1))
    frames = RNG.integers(0, 256, (5, 6, 4), dtype=np.uint8)
    data = dicom(frames, NumberOfFrames=5)
    first, handled = read_picture(data, Form(), name="scan")
    assert np.array_equal(first, frames[:1]) and handled.frames and handled.pages == 5
    assert np.array_equal(read_picture(data, Form(channels=5), name="scan")[0], frames)


def test_what_is_no_picture_is_one_sentence() -> None:
    whole = dicom(np.zeros((6, 4), np.uint16))
    from pydicom import dcmread

    empty = dcmread(io.BytesIO(whole))
    del empty.PixelData
    buffer = io.BytesIO()
    empty.save_as(buffer)
    for data, words in (
        (buffer.getvalue(), "is a DICOM file without a picture; leave it out"),
        (whole[:-20], "not a readable image"),
        (whole[:200], ""),
    ):
        with pytest.raises(InputError, match=rf"^scan: {words}[^\n]*$"):
            read_picture(data, Form(), name="scan")

"""Small copies of CIFAR-10 in both official layouts, as files and as archives."""

import io
import struct
import tarfile

import numpy as np

NAMES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
PER_BATCH = 4
_rng = np.random.default_rng(0)
PIXELS = {name: _rng.integers(0, 256, (PER_BATCH, 3, 32, 32), dtype=np.uint8) for name in NAMES}
LABELS = {name: _rng.integers(0, 10, PER_BATCH) for name in NAMES}


def binary_files() -> dict[str, bytes]:
    files = {
        f"{name}.bin": np.hstack([LABELS[name][:, None].astype(np.uint8), PIXELS[name].reshape(PER_BATCH, -1)])
        for name in NAMES
    }
    return {name: rows.tobytes() for name, rows in files.items()} | {"batches.meta.txt": b"airplane\n"}


def python_files() -> dict[str, bytes]:
    return {name: python_batch(PIXELS[name], LABELS[name]) for name in NAMES} | {"batches.meta": b"\x80\x02}."}


def python_batch(pixels: np.ndarray, labels: np.ndarray, fortran: bool = False) -> bytes:
    """What Python 2's cPickle writes, at protocol 2, for one batch."""
    flat = pixels.reshape(len(pixels), -1)
    shape = b"".join(_integer(size) for size in flat.shape) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\nq\x03cnumpy\nndarray\nq\x04K\x00\x85q\x05U\x01bq\x06\x87q\x07Rq\x08"
        b"(K\x01" + shape + b"cnumpy\ndtype\nq\x09U\x02u1q\x0aK\x00K\x01\x87Rq\x0b"
        b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb" + (b"\x88" if fortran else b"\x89")
    )
    data = flat.tobytes(order="F" if fortran else "C")
    names = b"".join(_string(f"image_{index}.png".encode()) for index in range(len(labels)))
    return (
        b"\x80\x02}q\x01("
        + _string(b"batch_label") + b"r\x00\x01\x00\x00" + _string(b"training batch 1 of 5")
        + _string(b"labels") + b"]q\x02(" + b"".join(_integer(int(label)) for label in labels) + b"e"
        + _string(b"data") + array + b"T" + struct.pack("<i", len(data)) + data + b"tb"
        + _string(b"filenames") + b"](" + names + b"e"
        + b"u."
    )  # fmt: skip


def archive(files: dict[str, bytes], folder: str = "cifar-10-batches-bin") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def _integer(value: int) -> bytes:
    return b"K" + bytes([value]) if value < 256 else b"M" + struct.pack("<H", value)


def _string(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value

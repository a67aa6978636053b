"""export.json of an exported model."""

from __future__ import annotations

from isthmus.run_files.record import Count, FileRecord, Finite, Record


class ExportedTensor(Record):
    """What a graph takes or gives."""

    name: str
    """Its name in the graph."""
    shape: tuple[Count | None, ...]
    """Its shape; null for the batch, which can have any size."""
    dtype: str = "float32"
    """Type of its values."""
    range: str = ""
    """What its values mean."""


class ExportedGraph(Record):
    """One of the ONNX files."""

    file: str
    """Name of the file."""
    input: ExportedTensor | None = None
    """What it takes."""
    output: ExportedTensor | None = None
    """What it gives."""
    largest_difference_from_pytorch: float
    """Largest difference of any value, as a share of PyTorch's largest, or of 1 where that is larger."""


class ExportRecord(FileRecord):
    """export.json, by which isthmus knows its own export."""

    recipe: str
    """Name of the recipe."""
    data_hash: str
    """Hash of the images that the model was trained on."""
    opset: Count
    """Version of ONNX's operators."""
    weights: str = "float32"
    """How weights are stored: `float32` or `float16`."""
    half_cost_db: Finite | None = None
    """PSNR that 16-bit weights lose on test images, in dB; null where it was not measured."""
    graphs: tuple[ExportedGraph, ...]
    """encoder.onnx and decoder.onnx."""

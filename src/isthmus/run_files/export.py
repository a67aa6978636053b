"""export.json of an exported model."""

from __future__ import annotations

from isthmus.run_files.record import Count, FileRecord, Finite, Record


class ExportedTensor(Record):
    """The input or output of a graph."""

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
    """Its input."""
    output: ExportedTensor | None = None
    """Its output."""
    largest_difference_from_pytorch: float
    """Largest difference from a value of PyTorch, divided by PyTorch's largest value, or by 1 if that is larger."""


class ExportRecord(FileRecord):
    """export.json; by this file, isthmus recognises its own export."""

    recipe: str
    """Name of the recipe."""
    data_hash: str
    """Hash of the images that the model was trained on."""
    opset: Count
    """Version of the ONNX operator set."""
    weights: str = "float32"
    """How weights are stored: `float32` or `float16`."""
    half_cost_db: Finite | None = None
    """PSNR on test images lost by 16-bit weights, in dB; null if it was not measured."""
    graphs: tuple[ExportedGraph, ...]
    """encoder.onnx and decoder.onnx."""

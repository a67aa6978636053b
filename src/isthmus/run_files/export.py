"""export.json of an exported model."""

from __future__ import annotations

from isthmus.run_files.record import Count, Record


class ExportedGraph(Record):
    """One of its ONNX files."""

    file: str
    largest_difference_from_pytorch: float


class ExportRecord(Record):
    """What isthmus knows its own export by; what else the file says is for people and programs."""

    format: Count
    recipe: str
    data_hash: str
    opset: Count
    graphs: tuple[ExportedGraph, ...]

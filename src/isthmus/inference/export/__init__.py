"""Export of a trained model: two ONNX graphs for any runtime, checked against PyTorch, and the weights.

image (B, C, H, W) in 0..255 -> encoder.onnx -> latent -> decoder.onnx -> image (B, C, H, W) in [0, 1]

A model of images of 16 bits takes 0..65535.
"""

from isthmus.inference.export.run_to_onnx import Exported, Graph, export_run

__all__ = ["Exported", "Graph", "export_run"]

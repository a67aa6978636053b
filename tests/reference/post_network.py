"""The post's network as a table of named tensors, their generated values, and the images: numpy only.

`make_keras.py` and the parity test both build from here, so that the weights of the post's real network
need not be stored. Everything is in Keras's layout: images (N, H, W, C); convolution kernels (h, w, in, out);
transposed convolution kernels (h, w, out, in); dense kernels (in, out).

x -> [conv, norm, leaky ReLU]* -> dense -> z -> dense -> [deconv, norm, leaky ReLU]* -> output, tanh
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent
SIZE, CHANNELS = 32, 3
SEED = 946
"""One of the few for which `make_keras.py` finds no activation within `CLEARANCE` of a kink."""

CLEARANCE = 4e-5
"""How near zero the input of a leaky ReLU may come. Rounding moves it by up to 1e-5, and where that crosses
zero one activation alone changes latent-10's gradients by up to 6 %: no comparison could be exact."""

NORM_TENSORS = ("gamma", "beta", "moving_mean", "moving_variance")
POST_RATE = 1e-5
VISIBLE_RATE = 1e-3
"""A learning rate whose step is far above the rounding of a float32 weight."""


@dataclass(frozen=True)
class Network:
    """filters, strides: one entry a layer of the encoder, mirrored by the decoder. latent: the size of z."""

    filters: tuple[int, ...]
    strides: tuple[int, ...]
    latent: int

    @property
    def feature_size(self) -> int:
        """Side of the encoder's last feature map, in pixels."""
        return SIZE // math.prod(self.strides)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """`side.layer.tensor` -> shape, in the order in which an image meets the layers."""
        shapes: dict[str, tuple[int, ...]] = {}
        width = CHANNELS
        for i, filters in enumerate(self.filters):
            shapes |= _affine(f"encoder.conv{i}", (3, 3, width, filters), bias=filters)
            shapes |= _norm(f"encoder.norm{i}", filters)
            width = filters
        flat = self.feature_size**2 * width
        shapes |= _affine("encoder.dense", (flat, self.latent), bias=self.latent)
        shapes |= _affine("decoder.dense", (self.latent, flat), bias=flat)
        for i, filters in enumerate(reversed(self.filters)):
            shapes |= _affine(f"decoder.deconv{i}", (3, 3, filters, width), bias=filters)
            shapes |= _norm(f"decoder.norm{i}", filters)
            width = filters
        return shapes | _affine("decoder.output", (3, 3, CHANNELS, width), bias=CHANNELS)


SMALL = {
    "small": Network((4, 6, 6, 5), (1, 2, 2, 1), 3),
    "small-many-layers": Network((6, 6, 5, 5, 4, 4, 4), (1, 2, 1, 2, 1, 1, 1), 4),
}
"""Stored weight for weight, each in `NAME.npz`."""

POST = {
    "latent-10": Network((32, 64, 64, 64), (1, 2, 2, 1), 10),
    "latent-512": Network((32, 64, 64, 64), (1, 2, 2, 1), 512),
    "many-layers": Network((256, 256, 128, 128, 64, 64, 64), (1, 2, 1, 2, 1, 1, 1), 512),
    "many-layers-10": Network((256, 256, 128, 128, 64, 64, 64), (1, 2, 1, 2, 1, 1, 1), 10),
}
"""Parameter counts of all and a summary of latent-10's pass, in `post.npz`."""


def generated_weights(network: Network) -> dict[str, np.ndarray]:
    """Values for every tensor, float32, drawn in table order from one stream.

    Kernels: normal, variance 2 / fan-in. Biases, moving means: normal / 10. Moving variances: uniform in
    [0.5, 1.5). Gammas: 1/3 + normal / 30. Betas: -1 or 1, + normal / 10. So each channel lies three standard
    deviations to one side of the leaky ReLU's kink, and crosses it seldom, but does.
    """
    # RandomState and not Generator: numpy promises that only the former's stream never changes (NEP 19).
    stream = np.random.RandomState(SEED)
    return {name: _draw(stream, name, shape) for name, shape in network.tensor_shapes().items()}


def directions(network: Network) -> dict[str, np.ndarray]:
    """One standard normal direction a tensor, float64.

    For any fixed difference d between two tensors, its product with the direction has standard deviation |d|.
    """
    stream = np.random.RandomState(SEED + 1)
    return {name: stream.standard_normal(shape) for name, shape in network.tensor_shapes().items()}


def images() -> np.ndarray:
    """Six images of random pixels: (6, 32, 32, 3) uint8."""
    return np.random.RandomState(SEED + 2).randint(0, 256, (6, SIZE, SIZE, CHANNELS)).astype(np.uint8)


def _affine(layer: str, kernel: tuple[int, ...], *, bias: int) -> dict[str, tuple[int, ...]]:
    return {f"{layer}.kernel": kernel, f"{layer}.bias": (bias,)}


def _norm(layer: str, width: int) -> dict[str, tuple[int, ...]]:
    return {f"{layer}.{tensor}": (width,) for tensor in NORM_TENSORS}


def _draw(stream: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    if name.endswith("moving_variance"):
        return (0.5 + stream.random_sample(shape)).astype(np.float32)
    values = stream.standard_normal(shape)
    if name.endswith("kernel"):
        transposed = "deconv" in name or "output" in name
        fan_in = math.prod(shape) // shape[-2 if transposed else -1]
        return (values * math.sqrt(2 / fan_in)).astype(np.float32)
    if name.endswith("gamma"):
        return ((1 + values / 10) / 3).astype(np.float32)
    if name.endswith("beta"):
        return (np.sign(stream.standard_normal(shape)) + values / 10).astype(np.float32)
    return (values / 10).astype(np.float32)

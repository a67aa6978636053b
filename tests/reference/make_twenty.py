"""Writes what twenty steps of Keras's Adam make of the small networks in float64: see README.md here."""

from __future__ import annotations

import keras

keras.backend.set_floatx("float64")  # before any layer is made

import make_keras  # noqa: E402
import numpy as np  # noqa: E402
from post_network import FOLDER, SMALL, VISIBLE_RATE, images  # noqa: E402

if __name__ == "__main__":
    x = images() / 127.5 - 1
    found: dict[str, np.ndarray] = {}
    for name, network in SMALL.items():
        model, variables = make_keras._with_generated_weights(network)
        model.compile(optimizer=keras.optimizers.Adam(VISIBLE_RATE), loss=keras.losses.MeanSquaredError())
        for _ in range(20):
            model.train_on_batch(x, x)
        found |= {f"{name}/{tensor}": value.numpy() for tensor, value in variables.items()}
    np.savez_compressed(FOLDER / "twenty.npz", **found)

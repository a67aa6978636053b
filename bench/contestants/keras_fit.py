"""The post's own script: Keras 3 on TensorFlow, `fit` on float32 arrays.

Its callbacks run once per epoch and its progress bar costs a little at each step; leaving out both favours Keras.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from bench.contestants._common import LEARNING_RATE, Stopwatch, options, random_images, report, scaled


def autoencoder() -> keras.Model:
    """The post's layers: (32, 32, 3) -> 10 -> (32, 32, 3)."""
    encoder = keras.Sequential([keras.Input((32, 32, 3))])
    for filters, stride in ((32, 1), (64, 2), (64, 2), (64, 1)):
        encoder.add(layers.Conv2D(filters, 3, strides=stride, padding="same"))
        encoder.add(layers.BatchNormalization())
        encoder.add(layers.LeakyReLU())
    encoder.add(layers.Flatten())
    encoder.add(layers.Dense(10))

    decoder = keras.Sequential([keras.Input((10,)), layers.Dense(8 * 8 * 64), layers.Reshape((8, 8, 64))])
    for filters, stride in ((64, 1), (64, 2), (64, 2), (32, 1)):
        decoder.add(layers.Conv2DTranspose(filters, 3, strides=stride, padding="same"))
        decoder.add(layers.BatchNormalization())
        decoder.add(layers.LeakyReLU())
    decoder.add(layers.Conv2DTranspose(3, 3, strides=1, padding="same", activation="tanh"))

    image = keras.Input((32, 32, 3))
    return keras.Model(image, decoder(encoder(image)))


class Measure(keras.callbacks.Callback):
    """Stops the training when the stopwatch is done."""

    def __init__(self, watch: Stopwatch, batch: int) -> None:
        super().__init__()
        self.watch, self.batch = watch, batch

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        # Keras's own log is already the mean over the epoch's batches so far
        if self.watch.step(self.batch, lambda: float((logs or {})["loss"])):
            self.model.stop_training = True


given = options("fp32")
tf.config.threading.set_intra_op_parallelism_threads(given.threads)
x_train = scaled(np.ascontiguousarray(random_images(given.images).transpose(0, 2, 3, 1)))
watch = Stopwatch(given.seconds)
model = autoencoder()
model.compile(optimizer=keras.optimizers.Adam(LEARNING_RATE), loss=keras.losses.MeanSquaredError())
model.fit(x_train, x_train, batch_size=given.batch, epochs=1000, verbose=0, callbacks=[Measure(watch, given.batch)])
report("keras", given, watch, "fp32", tensorflow=tf.__version__, keras=keras.__version__)

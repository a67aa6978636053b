"""Writes what Keras makes of the post's networks, as the reference that isthmus is held to.

Run once, in an environment of its own: see README.md here. Only the .npz files are needed afterwards.
"""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from post_network import (
    CHANNELS,
    CLEARANCE,
    FOLDER,
    POST,
    POST_RATE,
    SIZE,
    SMALL,
    VISIBLE_RATE,
    Network,
    directions,
    generated_weights,
    images,
)

Arrays = dict[str, np.ndarray]


def build(network: Network) -> tuple[keras.Model, keras.Model, keras.Model]:
    """Encoder, decoder and the two in a row; every default left as the post leaves it."""
    image = x = keras.Input((SIZE, SIZE, CHANNELS))
    for i, (filters, stride) in enumerate(zip(network.filters, network.strides, strict=True)):
        x = layers.Conv2D(filters, 3, strides=stride, padding="same", name=f"conv{i}")(x)
        x = layers.LeakyReLU()(layers.BatchNormalization(name=f"norm{i}")(x))
    feature_shape = x.shape[1:]
    z = layers.Dense(network.latent, name="dense")(layers.Flatten()(x))
    encoder = keras.Model(image, z, name="encoder")

    latent = keras.Input((network.latent,))
    x = layers.Dense(int(np.prod(feature_shape)), name="dense")(latent)
    x = layers.Reshape(feature_shape)(x)
    mirrored = zip(reversed(network.filters), reversed(network.strides), strict=True)
    for i, (filters, stride) in enumerate(mirrored):
        x = layers.Conv2DTranspose(filters, 3, strides=stride, padding="same", name=f"deconv{i}")(x)
        x = layers.LeakyReLU()(layers.BatchNormalization(name=f"norm{i}")(x))
    x = layers.Conv2DTranspose(CHANNELS, 3, padding="same", activation="tanh", name="output")(x)
    decoder = keras.Model(latent, x, name="decoder")

    whole = keras.Input((SIZE, SIZE, CHANNELS))
    return encoder, decoder, keras.Model(whole, decoder(encoder(whole)))


def scaled_images() -> np.ndarray:
    """The images in [-1, 1], as the post scales them: (6, 32, 32, 3) float32."""
    return (images() / 127.5 - 1).astype(np.float32)


def counts(network: Network) -> np.ndarray:
    """Parameters: all, trainable, the encoder's, the decoder's."""
    encoder, decoder, both = build(network)
    trainable = sum(int(np.prod(v.shape)) for v in both.trainable_variables)
    return np.array([both.count_params(), trainable, encoder.count_params(), decoder.count_params()])


def one_pass(network: Network) -> Arrays:
    """A training-mode forward and backward pass: output, loss, gradients, moving statistics after it."""
    x = scaled_images()
    model, variables = _with_generated_weights(network)
    _check_clear_of_kinks(model, x)
    with tf.GradientTape() as tape:
        output = model(x, training=True)
        loss = keras.losses.MeanSquaredError()(x, output)
    trained = {name: v for name, v in variables.items() if v.trainable}
    gradients = tape.gradient(loss, [v.value for v in trained.values()])
    return {
        "output": output.numpy(),
        "loss": loss.numpy(),
        **{f"gradient/{name}": g.numpy() for name, g in zip(trained, gradients, strict=True)},
        **{f"moved/{name}": v.numpy() for name, v in variables.items() if not v.trainable},
    }


def two_steps(network: Network, learning_rate: float) -> tuple[Arrays, np.ndarray]:
    """Every tensor after two steps of Keras's own training on the six images, and the output at inference."""
    x = scaled_images()
    model, variables = _with_generated_weights(network)
    model.compile(optimizer=keras.optimizers.Adam(learning_rate), loss=keras.losses.MeanSquaredError())
    for _ in range(2):
        _check_clear_of_kinks(model, x)
        model.train_on_batch(x, x)
    return {name: v.numpy() for name, v in variables.items()}, model(x, training=False).numpy()


def full_reference(network: Network) -> Arrays:
    """Everything, tensor for tensor."""
    arrays = {f"before/{name}": value for name, value in generated_weights(network).items()}
    arrays |= one_pass(network)
    for rate in (POST_RATE, VISIBLE_RATE):
        after, inferred = two_steps(network, rate)
        arrays |= {f"after-{rate:g}/{name}": value for name, value in after.items()}
        arrays[f"inferred-{rate:g}"] = inferred
    return arrays


def summary(network: Network) -> Arrays:
    """Outputs and loss; of every other tensor its norm and its product with a direction, two float64.

    `gradient/NAME` and `moved/NAME` as in the full reference; `change-RATE/NAME` is what two steps changed.
    """
    towards = directions(network)

    def pair(name: str, tensor: np.ndarray) -> np.ndarray:
        tensor = tensor.astype(np.float64)
        return np.array([np.linalg.norm(tensor), np.vdot(tensor, towards[name])])

    arrays = {
        key: pair(key.partition("/")[2], value) if "/" in key else value for key, value in one_pass(network).items()
    }
    before = generated_weights(network)
    for rate in (POST_RATE, VISIBLE_RATE):
        after, inferred = two_steps(network, rate)
        arrays |= {f"change-{rate:g}/{n}": pair(n, after[n] - before[n].astype(np.float64)) for n in after}
        if rate == POST_RATE:  # at the larger rate rounding noise in the biases is visible: see README.md
            arrays[f"inferred-{rate:g}"] = inferred
    return arrays


def save(name: str, arrays: Arrays) -> None:
    """Writes NAME.npz, with the versions that made it."""
    versions = {"tensorflow": np.array(tf.__version__), "keras": np.array(keras.__version__)}
    np.savez_compressed(FOLDER / f"{name}.npz", **versions, **arrays)


def _with_generated_weights(network: Network) -> tuple[keras.Model, dict[str, keras.Variable]]:
    encoder, decoder, model = build(network)
    sides = {"encoder": encoder, "decoder": decoder}
    variables: dict[str, keras.Variable] = {}
    for name, value in generated_weights(network).items():
        side, layer, tensor = name.split(".")
        variables[name] = getattr(sides[side].get_layer(layer), tensor)
        variables[name].assign(value)
    assert len(variables) == len(model.weights)
    return model, variables


def _check_clear_of_kinks(model: keras.Model, x: np.ndarray) -> None:
    weights = model.get_weights()  # a pass in training mode moves the statistics
    for side in (model.get_layer("encoder"), model.get_layer("decoder")):
        kinks = [layer.input for layer in side.layers if isinstance(layer, layers.LeakyReLU)]
        *inputs, x = keras.Model(side.input, [*kinks, side.output])(x, training=True)
        nearest = min(float(np.abs(value).min()) for value in inputs)
        assert nearest > CLEARANCE, f"an activation is {nearest:.0e} from the kink: try another SEED"
    model.set_weights(weights)


if __name__ == "__main__":
    for name, network in SMALL.items():
        save(name, full_reference(network))
    parameters = {f"parameters/{name}": counts(network) for name, network in POST.items()}
    save("post", parameters | summary(POST["latent-10"]))

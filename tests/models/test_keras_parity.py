"""The post's network here equals the one in Keras, weight for weight: see tests/reference/README.md."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import pytest
import torch
from tests.reference.post_network import (
    FOLDER,
    POST,
    POST_RATE,
    SMALL,
    VISIBLE_RATE,
    Network,
    directions,
    generated_weights,
    images,
)
from torch import Tensor, nn

from isthmus.models.autoencoder import Autoencoder
from isthmus.models.build_objective import build_objective
from isthmus.models.pixels import to_unit
from isthmus.recipes.recipe import Recipe, resolve
from isthmus.run_files.state import Progress
from isthmus.training.batches import Batches
from isthmus.training.loop import train
from isthmus.training.optimizers import build_optimizer, set_rates

TOLERANCE = 1e-4
"""Largest difference allowed, relative to the tensor's largest value."""

STEP_TOLERANCE = 5e-3
"""Norm of the difference allowed in what training changed, relative to the change's norm. Float32 rounding takes
up to 1e-3 of it; PyTorch's own Adam is off by 0.6 and more."""

COUNTS = {
    "latent-10": (311_181, 310_285, 135_114, 176_067),
    "latent-512": (4_424_067, 4_423_171, 2_191_808, 2_232_259),
    "many-layers": (6_618_499, 6_614_659, 3_289_024, 3_329_475),
    "many-layers-10": (2_505_613, 2_501_773, 1_232_330, 1_273_283),
}
"""Parameters as Keras counts them: all, trainable, the encoder's, the decoder's."""

small = pytest.mark.parametrize("name", SMALL)
rates = pytest.mark.parametrize("rate", [POST_RATE, VISIBLE_RATE], ids="{:g}".format)


@small
def test_output_and_loss(name: str) -> None:
    """A forward pass in training mode."""
    reference = load_reference(name)
    _, output, loss = one_pass(SMALL[name])
    assert error(output, reference["output"]) < TOLERANCE
    assert error(loss, reference["loss"]) < TOLERANCE


@small
def test_gradients(name: str) -> None:
    """A backward pass; biases that a batch norm follows have a gradient of zero, up to rounding."""
    reference = load_reference(name)
    tensors, _, _ = one_pass(SMALL[name])
    for tensor, value in tensors.items():
        if not value.requires_grad:
            continue
        gradient = to_keras(value.grad)
        if cancelled_by_norm(tensor):
            kernel = reference[f"gradient/{tensor.removesuffix('bias')}kernel"]
            assert np.abs(gradient).max() < TOLERANCE * np.abs(kernel).max(), tensor
        else:
            assert error(gradient, reference[f"gradient/{tensor}"]) < TOLERANCE, tensor


@small
def test_moving_statistics(name: str) -> None:
    """What one pass leaves in the batch norms."""
    reference = load_reference(name)
    tensors, _, _ = one_pass(SMALL[name])
    moved = {tensor: value for tensor, value in tensors.items() if not value.requires_grad}
    assert moved
    for tensor, value in moved.items():
        assert error(to_keras(value), reference[f"moved/{tensor}"]) < TOLERANCE, tensor


@small
@rates
def test_two_steps_of_training(name: str, rate: float) -> None:
    """isthmus's own loop, twice over the six images, moves every weight as Keras's does."""
    reference = load_reference(name)
    before = generated_weights(SMALL[name])
    for tensor, after in two_steps(SMALL[name], rate).items():
        if cancelled_by_norm(tensor):
            continue
        expected = reference[f"after-{rate:g}/{tensor}"].astype(np.float64)
        change = np.linalg.norm(expected - before[tensor])
        assert np.linalg.norm(after - expected) < STEP_TOLERANCE * change, tensor
        assert error(after, expected) < TOLERANCE, tensor


@small
@rates
def test_inference(name: str, rate: float) -> None:
    """Keras's trained weights and moving statistics, loaded here, give Keras's output."""
    reference = load_reference(name)
    model = build(SMALL[name])
    load(model, SMALL[name], {t: reference[f"after-{rate:g}/{t}"] for t in SMALL[name].tensor_shapes()})
    with torch.inference_mode():
        output = to_keras_images(model.eval()(batch()).x_hat)
    assert error(output, reference[f"inferred-{rate:g}"]) < TOLERANCE


@small
def test_twenty_steps_in_float64(name: str) -> None:
    """Every weight within 1e-5. What is left is Keras's betas, which pass through float32 whatever its float type."""
    reference, before = load_reference("twenty"), generated_weights(SMALL[name])
    as_we_do, as_keras = (twenty_steps(SMALL[name], cast=cast) for cast in (False, True))
    for tensor, after in as_we_do.items():
        expected = reference[f"{name}/{tensor}"]
        if cancelled_by_norm(tensor):  # a gradient of rounding noise far below Adam's epsilon: it does not move
            assert np.abs(after - before[tensor]).max() < 1e-9, tensor
            continue
        assert error(after, expected) < 1e-5, tensor
        assert error(as_keras[tensor], expected) < 1e-7, tensor


def test_a_bias_before_batch_norm_changes_nothing_but_the_moving_mean() -> None:
    """Why those biases are left out where steps in float32 are compared: noise in them is no other function."""
    network = SMALL["small"]
    outputs: list[Tensor] = []
    for moved in (0.0, 0.1):
        model = build(network).train().double()
        for tensor, value in load(model, network, generated_weights(network)).items():
            if cancelled_by_norm(tensor):
                value.data += moved
        outputs.append(model(batch().double()).x_hat.detach())
        outputs.append(model.eval()(batch().double()).x_hat.detach())
    torch.testing.assert_close(outputs[0], outputs[2], rtol=0, atol=1e-12)
    assert not torch.allclose(outputs[1], outputs[3]), "until the moving mean has followed"


def test_latent_10_pass() -> None:
    """The post's first network at its real size: output, loss, every gradient, every moving statistic."""
    network, reference = POST["latent-10"], load_reference("post")
    tensors, output, loss = one_pass(network)
    assert error(output, reference["output"]) < TOLERANCE
    assert error(loss, reference["loss"]) < TOLERANCE
    for tensor, value in tensors.items():
        if value.requires_grad and not cancelled_by_norm(tensor):
            found, key = to_keras(value.grad), f"gradient/{tensor}"
        elif not value.requires_grad:
            found, key = to_keras(value), f"moved/{tensor}"
        else:
            continue
        assert pair_error(network, tensor, found, reference[key]) < TOLERANCE, tensor


@rates
def test_latent_10_training(rate: float) -> None:
    """The post's first network at its real size: what two steps of isthmus's own loop change."""
    network, reference = POST["latent-10"], load_reference("post")
    before = generated_weights(network)
    for tensor, after in two_steps(network, rate).items():
        if not cancelled_by_norm(tensor):
            change = after - before[tensor].astype(np.float64)
            expected = reference[f"change-{rate:g}/{tensor}"]
            assert pair_error(network, tensor, change, expected) < STEP_TOLERANCE, tensor


@pytest.mark.parametrize("name", POST)
def test_parameter_counts(name: str) -> None:
    """The counts of the four networks, in Keras and here."""
    tensors = named_tensors(build(POST[name]), POST[name])
    sizes = {tensor: value.numel() for tensor, value in tensors.items()}
    assert tuple(load_reference("post")[f"parameters/{name}"]) == COUNTS[name]
    assert COUNTS[name] == (
        sum(sizes.values()),
        sum(size for tensor, size in sizes.items() if tensors[tensor].requires_grad),
        sum(size for tensor, size in sizes.items() if tensor.startswith("encoder.")),
        sum(size for tensor, size in sizes.items() if tensor.startswith("decoder.")),
    )


def recipe(network: Network, **training: object) -> Recipe:
    return resolve(
        {
            "data": {"kind": "scenes"},  # named because a recipe must; never loaded here
            "architecture": {
                "kind": "conv",
                "filters": list(network.filters),
                "strides": list(network.strides),
            },
            "bottleneck": {"kind": "vector", "dim": network.latent},
            "train": training,
        }
    )


def build(network: Network) -> Autoencoder:
    return Autoencoder(recipe(network), (3, 32, 32))


def named_tensors(model: Autoencoder, network: Network) -> dict[str, Tensor]:
    """Every tensor under its name in the reference; both list the layers as an image meets them."""
    found: list[Tensor | None] = []
    for side in (model.architecture.encoder, model.bottleneck, model.architecture.decoder):
        for layer in side.modules():
            if isinstance(layer, nn.BatchNorm2d):
                found += [layer.weight, layer.bias, layer.running_mean, layer.running_var]
            elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                found += [layer.weight, layer.bias]
    names = network.tensor_shapes()
    tensors = {name: value for name, value in zip(names, found, strict=True) if value is not None}
    assert {name: to_keras(value).shape for name, value in tensors.items()} == names
    return tensors


def load(model: Autoencoder, network: Network, weights: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    tensors = named_tensors(model, network)
    with torch.no_grad():
        for name, value in tensors.items():
            value.copy_(to_torch(weights[name]))
    return tensors


@cache
def one_pass(network: Network) -> tuple[dict[str, Tensor], np.ndarray, np.ndarray]:
    """Tensors with gradients, output and loss of one pass in training mode from the generated weights."""
    model = build(network).train().double()  # so that what rounding is left is Keras's, on every machine
    tensors = load(model, network, generated_weights(network))
    trace = model(batch().double())
    loss = build_objective(recipe(network), model)(model, trace).loss.mean()
    loss.backward()
    return tensors, to_keras_images(trace.x_hat), loss.detach().numpy()


def two_steps(network: Network, rate: float) -> dict[str, np.ndarray]:
    """Every tensor, in Keras's layout, after two epochs of one batch, trained as the post does."""
    chosen = recipe(
        network,
        optimizer="keras-adam",
        learning_rate=rate,
        epsilon=1e-7,
        schedule="constant",
        batch=6,
        epochs=2,
    )
    model = build(network)
    tensors = load(model, network, generated_weights(network))
    pixels = torch.from_numpy(images()).permute(0, 3, 1, 2)
    objective = build_objective(chosen, model)
    optimizer = build_optimizer(model, chosen.train)
    batches = Batches(pixels, chosen.train.batch, seed=0)
    progress = Progress()
    steps = train(model, objective, optimizer, batches, pixels, chosen.train, progress, precision="fp32", seed=0)
    for _ in steps:
        pass
    assert progress.step == 2
    return {name: to_keras(value) for name, value in tensors.items()}


def twenty_steps(network: Network, *, cast: bool) -> dict[str, np.ndarray]:
    """Every tensor after twenty steps in float64; `cast`: with Keras's betas in the bias corrections."""
    chosen = recipe(network, optimizer="keras-adam", learning_rate=VISIBLE_RATE, epsilon=1e-7, schedule="constant")
    model = build(network).train().double()
    tensors = load(model, network, generated_weights(network))
    objective, optimizer = build_objective(chosen, model), build_optimizer(model, chosen.train)
    x = torch.from_numpy(images()).permute(0, 3, 1, 2).double() / 127.5 - 1
    for step in range(20):
        set_rates(optimizer, step, 20, chosen.train)
        if cast:
            for group in optimizer.param_groups:
                group["lr"] *= _corrections(np.float32, step + 1) / _corrections(np.float64, step + 1)
        optimizer.zero_grad()
        objective(model, model(x)).loss.mean().backward()
        optimizer.step()
    return {name: to_keras(value) for name, value in tensors.items()}


def _corrections(kind: type[np.floating], step: int) -> float:
    """What Adam's rate is multiplied by at a step, from betas of this kind of number."""
    return float(np.sqrt(1 - float(kind(0.999)) ** step) / (1 - float(kind(0.9)) ** step))


@cache
def load_reference(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return dict(arrays)


def batch() -> Tensor:
    return to_unit(torch.from_numpy(images()).permute(0, 3, 1, 2))


def cancelled_by_norm(tensor: str) -> bool:
    """Whether it is a bias that the batch norm after it takes away: its gradient is rounding noise."""
    return tensor.endswith("bias") and "conv" in tensor


def to_keras(value: Tensor | None) -> np.ndarray:
    """A copy in Keras's layout: (out, in, h, w) -> (h, w, in, out), the same for transposed kernels,
    whose in and out are swapped in both libraries; dense (out, in) -> (in, out)."""
    assert value is not None
    order = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim]
    return value.detach().permute(order).numpy().copy()


def to_torch(array: np.ndarray) -> Tensor:
    """The way back."""
    order = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim]
    return torch.from_numpy(array).permute(order)


def to_keras_images(value: Tensor) -> np.ndarray:
    return value.detach().permute(0, 2, 3, 1).numpy()


def error(found: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference relative to the largest value."""
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def pair_error(network: Network, name: str, found: np.ndarray, expected: np.ndarray) -> float:
    """The same for a stored (norm, product with a direction), relative to the norm."""
    found = found.astype(np.float64)
    pair = np.array([np.linalg.norm(found), np.vdot(found, directions(network)[name])])
    return float(np.abs(pair - expected).max() / expected[0])

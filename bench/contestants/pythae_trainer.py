"""pythae's BaseTrainer on pythae's AE, with isthmus's encoder and decoder, bottleneck included.

They use pythae's default memory layout and precision. The same network from plain torch.nn layers was a tenth slower
when this was written, so pythae gets the faster of the two.
"""

from __future__ import annotations

import math
import tempfile
from importlib.metadata import version
from typing import Any

import torch
from pythae.data.datasets import BaseDataset
from pythae.models import AE, AEConfig
from pythae.models.base.base_utils import ModelOutput
from pythae.models.nn import BaseDecoder, BaseEncoder
from pythae.trainers import BaseTrainer, BaseTrainerConfig
from pythae.trainers.training_callbacks import TrainingCallback
from torch import Tensor, nn

from bench.contestants._common import LEARNING_RATE, Losses, Stopwatch, options, random_images, report, scaled
from isthmus.models.autoencoder import Autoencoder
from isthmus.recipes.study_plan import load_recipe

IMAGE_SHAPE = (3, 32, 32)
VALUES = math.prod(IMAGE_SHAPE)


class Encoder(BaseEncoder):
    """x (B, 3, 32, 32) -> z (B, 10)."""

    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.network = nn.ModuleList([network.architecture.encoder, network.bottleneck])

    def forward(self, x: Tensor) -> ModelOutput:
        layers, bottleneck = self.network
        return ModelOutput(embedding=bottleneck(layers(x)).z)


class Decoder(BaseDecoder):
    """z (B, 10) -> x_hat (B, 3, 32, 32)."""

    def __init__(self, network: Autoencoder) -> None:
        super().__init__()
        self.network = nn.ModuleList([network.bottleneck, network.architecture.decoder])

    def forward(self, z: Tensor) -> ModelOutput:
        bottleneck, layers = self.network
        return ModelOutput(reconstruction=layers(bottleneck.expand(z)))


class Enough(Exception):
    """Raised when the stopwatch is done: pythae's trainer has no other way to stop."""


class Measure(TrainingCallback):
    """Calls the stopwatch after every step, and takes the loss from the model's output."""

    def __init__(self, watch: Stopwatch, batch: int) -> None:
        self.watch, self.batch = watch, batch
        self.losses = Losses()

    def on_output(self, model: AE, inputs: object, output: ModelOutput) -> None:
        self.losses.add(output.loss.detach() / VALUES)  # pythae sums over an image's values

    def on_train_step_end(self, training_config: BaseTrainerConfig, **_: Any) -> None:
        if self.watch.step(self.batch, self.losses.mean):
            raise Enough


given = options("fp32")
torch.set_num_threads(given.threads)
x_train = torch.from_numpy(scaled(random_images(given.images)))
recipe = load_recipe("post-faithful/latent-10", {"data.kind": "scenes"})  # the recipe's data is not read
network = Autoencoder(recipe, IMAGE_SHAPE)
model = AE(AEConfig(input_dim=IMAGE_SHAPE, latent_dim=network.latent_size), Encoder(network), Decoder(network))
watch = Stopwatch(given.seconds, torch.cuda.synchronize if given.device == "cuda" else lambda: None)
measure = Measure(watch, given.batch)
with tempfile.TemporaryDirectory() as folder:
    config = BaseTrainerConfig(
        output_dir=folder,
        per_device_train_batch_size=given.batch,
        num_epochs=1000,
        optimizer_cls="Adam",
        learning_rate=LEARNING_RATE,
        no_cuda=given.device == "cpu",
    )
    trainer = BaseTrainer(model, BaseDataset(x_train, torch.zeros(len(x_train))), None, config, [measure])
    model.register_forward_hook(measure.on_output)  # only from here on, because the trainer has already tried one batch
    try:
        trainer.train()
    except Enough:
        report("pythae", given, watch, "fp32", torch=torch.__version__, pythae=version("pythae"))

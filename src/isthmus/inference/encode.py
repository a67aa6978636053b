"""A trained model turns pictures into latents, block by block: reading is done beside computing.

pictures --read--> pixels --encode--> z, codes --decode--> x_hat --> error
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save as serialise
from torch import Tensor, nn

from isthmus.core.ahead import ahead
from isthmus.core.pixels import BLOCK_BYTES
from isthmus.evaluation.measures.mse import Mse
from isthmus.inference.named_images import NamedBlock, NamedImages
from isthmus.inference.picture_sources import Label
from isthmus.kernels import threads
from isthmus.models.autoencoder import Autoencoder, with_sane_numbers
from isthmus.models.batched import batched, batched_array
from isthmus.models.pixels import to_unit
from isthmus.models.processes import working
from isthmus.training.checkpoint import storable

_PIECES = 16  # of a block, where few threads share them


@dataclass(frozen=True)
class EncodedBlock:
    """Some pictures and their latents, in the source's order.

    names, labels, sha256: as in `NamedBlock`, and pixels, where they are still at hand.
    z: (B, D) float32, maps flattened. codes: (B, K) int64 of a discrete bottleneck, else None.
    error: (B,) float64, mean squared error of the reconstruction per pixel value, pixels in [0, 1].
    """

    names: tuple[str, ...]
    labels: tuple[Label, ...]
    sha256: tuple[str, ...]
    z: np.ndarray
    codes: np.ndarray | None
    error: np.ndarray
    pixels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.names)


@dataclass(frozen=True)
class AboutLatents:
    """Where latents come from: what a table of them says of itself.

    run: the run folder as it was named. weights: `weights_file_hash` of the model.
    latent_shape: of one image's z before it is flattened. codes: how many codes an image has; 0 where it has none.
    """

    run: str
    weights: str
    latent_shape: tuple[int, ...]
    codes: int = 0

    @property
    def size(self) -> int:
        """Numbers in one latent."""
        return math.prod(self.latent_shape)


@dataclass
class Encoding:
    """How far an encoding has come.

    images: how many were encoded. error: the sum of their errors. seconds: since it began.
    """

    images: int = 0
    error: float = 0.0
    begun: float = field(default_factory=time.perf_counter)

    @property
    def mean_error(self) -> float:
        """Mean squared error per pixel value, pixels in [0, 1]."""
        return self.error / max(1, self.images)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begun


def about_latents(run: Path, model: Autoencoder) -> AboutLatents:
    """Where the latents of a run's model come from."""
    bottleneck = model.bottleneck
    codes = math.prod(bottleneck.code_shape) if bottleneck.codes else 0
    return AboutLatents(str(run), weights_file_hash(model), model.latent_shape, codes)


def weights_file_hash(model: nn.Module) -> str:
    """`sha256:` and the SHA-256 of the model's weights as safetensors: that of the file they were loaded from."""
    return f"sha256:{hashlib.sha256(serialise(storable(model.state_dict()))).hexdigest()}"


@contextmanager
def encoded(model: Autoencoder, images: NamedImages) -> Generator[Iterator[EncodedBlock]]:
    """The latents of all pictures, block by block; the next pictures are read while the model computes.

    The bits are those of `model.encode`, however many pictures there are. Iteration raises RunError where latents are
    not finite, and as `NamedImages.blocks`.
    """
    with images.showing_progress(), ahead(images.blocks(_rows(model), done="used")) as blocks:
        yield _encoded_blocks(model, images, blocks)


@contextmanager
def latents_of(model: Autoencoder, images: NamedImages) -> Generator[Iterator[tuple[NamedBlock, np.ndarray]]]:
    """`encoded` without reconstructions, which take as long again: each block and its z (B, D) float32."""

    def latent(part: Tensor) -> Tensor:
        return with_sane_numbers(model.encode_pixels(part).flatten(1).cpu())

    def found(blocks: Iterator[NamedBlock]) -> Iterator[tuple[NamedBlock, np.ndarray]]:
        for block in blocks:
            z = batched_array(model, latent, _tensor(block))
            images.used(len(block))
            yield block, z

    with images.showing_progress(), ahead(images.blocks(_rows(model), done="used")) as blocks:
        yield found(blocks)


def _encoded_blocks(model: Autoencoder, images: NamedImages, blocks: Iterator[NamedBlock]) -> Iterator[EncodedBlock]:
    for block in blocks:
        found = _encoded(model, block)
        images.used(len(block))
        yield found


def _tensor(block: NamedBlock) -> Tensor:
    """The pixels as a tensor; PyTorch does not accept read-only arrays."""
    return torch.from_numpy(block.pixels if block.pixels.flags.writeable else block.pixels.copy())


def _encoded(model: Autoencoder, block: NamedBlock) -> EncodedBlock:
    answers = batched(model, lambda part: _answer(model, part), _tensor(block))
    codes = [codes for _, codes, _ in answers if codes is not None]
    return EncodedBlock(
        block.names,
        block.labels,
        block.sha256,
        torch.cat([z for z, _, _ in answers]).numpy(),
        torch.cat(codes).numpy() if codes else None,
        torch.cat([error for _, _, error in answers]).numpy(),
        block.pixels,
    )


def _answer(model: Autoencoder, part: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
    """Pixels (B, C, H, W) -> z (B, D), codes (B, K) or None, and errors (B,), on the CPU."""
    x = to_unit(part)
    x_in = model.corruption(x) if model.corruption.at_inference else x
    latent = model.latent(x_in)[1]
    z = latent.z.float()
    error = Mse()(model.decode_to_pixels(z), part)
    codes = None if latent.codes is None else latent.codes.flatten(1).long().cpu()
    return with_sane_numbers(z.flatten(1).cpu()), codes, error.cpu().double()


def _rows(model: Autoencoder) -> int:
    """Whole pieces, so that the bits do not depend on the blocks; few, so that progress is seen."""
    piece = threads.images_in_a_piece(model.device, math.prod(model.image_shape[1:]))
    most = BLOCK_BYTES // (math.prod(model.image_shape) * model.depth // 8)
    several = max(_PIECES, 4 * torch.get_num_threads() * working().count)
    return working().told(max(1, min(most // piece, several)) * piece)

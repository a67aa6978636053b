"""The autoencoder: a corruption, an architecture and a bottleneck, composed.

x --corrupt--> x_in --encode--> h --bottleneck--> z --expand--> h' --decode--> x_hat
                 |                  ^             |                             ^
                 +----- linear -----+             +----------- linear ----------+     where the recipe asks for it
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from isthmus.core import registry
from isthmus.core.arguments import notify
from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError, RunError
from isthmus.core.image_changes import OF_SIZE
from isthmus.core.pixels import Depth
from isthmus.core.values import Latent, Posterior, Trace
from isthmus.data.batches import to_batch, to_finite_float32
from isthmus.data.form import Form
from isthmus.models.batched import batched_array, evaluation_mode
from isthmus.models.interfaces import Architecture, Bottleneck, Corruption, Prior
from isthmus.models.linear_path import LinearPath
from isthmus.models.padding import grid
from isthmus.models.pixels import PIXEL_TYPES, as_array, as_arrays, to_pixels, to_unit
from isthmus.models.recompute import segment
from isthmus.models.seeding import sealed_generator
from isthmus.models.square_path import SquarePath
from isthmus.recipes.recipe import Recipe

if TYPE_CHECKING:
    from isthmus.evaluation.baselines.pca import PrincipalComponents

_LARGEST = 1e15  # the largest usable number in a latent: squares of larger ones can overflow float32


class Autoencoder(nn.Module):
    """An autoencoder built from a recipe; in evaluation mode its latent is deterministic.

    `encode`, `decode` and `reconstruct` work with images in the usual forms: uint8 arrays, floats in
    [0, 1] or PIL images. `forward` is for training: pixels in [-1, 1], all results kept in a `Trace`.

    image_shape: (C, H, W). depth: bits of a pixel's value, in the images that it is trained on and in those that it
    makes; at 16, pixels are uint16; at 32, real numbers (float32), which `core/pixels.py` describes.

    >>> import isthmus as ist
    >>> import numpy as np
    >>> model = ist.load("runs/digits-10", device="cpu")
    >>> digits = np.zeros((2, 8, 8, 1), np.uint8)
    >>> z = model.encode(digits)
    >>> z.shape, z.dtype
    ((2, 10), dtype('float32'))
    >>> bool((model.decode(z) == model.reconstruct(digits)).all())
    True
    """

    if TYPE_CHECKING:  # for the same reason as in `ModelPart`
        __getattr__: None  # pyright: ignore[reportIncompatibleMethodOverride]

        def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Trace: ...

    def __init__(self, recipe: Recipe, image_shape: tuple[int, int, int], depth: Depth = 8) -> None:
        super().__init__()
        self.image_shape = image_shape
        self.depth: Depth = depth
        # files are read as training images were, and for a model of real numbers with as many levels as files have
        self.form = Form.of_model(recipe.data.options, image_shape, 8 if depth == 8 else 16)
        self.corruption: Corruption = registry.build(
            "corruptions", recipe.corruption.kind, recipe.corruption.options, image_shape
        )
        self.architecture: Architecture = registry.build(
            "architectures", recipe.architecture.kind, recipe.architecture.options, image_shape
        )
        self.bottleneck: Bottleneck = registry.build(
            "bottlenecks", recipe.bottleneck.kind, recipe.bottleneck.options, self.architecture.feature_shape
        )
        if self.corruption.hides and self.architecture.supports_mask:
            self.architecture.check_mask(self.corruption.hidden_patch)
        self.prior: Prior = registry.build(
            "priors", recipe.prior.kind, recipe.prior.options, self.latent_shape, self.image_shape
        )
        if not self.prior.closed_form and not self.bottleneck.has_posterior:
            raise InputError(
                f"prior.kind: bottleneck {recipe.bottleneck.kind!r} has no posterior to hold against "
                f"{recipe.prior.kind!r}; leave the prior out, or set bottleneck.kind=gaussian"
            )
        self.linear: LinearPath | SquarePath | None = None
        if recipe.model.linear != "none":
            for part, kind, problem in (
                (self.bottleneck, recipe.bottleneck.kind, "bottleneck {!r} changes the numbers it is given"),
                (self.architecture, recipe.architecture.kind, "the decoder of architecture {!r} cannot answer zero"),
            ):
                if not part.supports_linear_start:
                    raise InputError(
                        f"model.linear: {problem.format(kind)}, so nothing can start at PCA beside it; set "
                        "model.linear=none"
                    )
            self.linear = self._linear_path(recipe)
            self.architecture.start_beside_linear()
            self.bottleneck.start_beside_linear()

    def _linear_path(self, recipe: Recipe) -> LinearPath | SquarePath:
        side = self.architecture.square
        if recipe.model.linear == "pca":
            return LinearPath(self.image_shape, self.latent_size, square=side)
        if not self.numbers_of_square:
            raise InputError(
                f"model.linear: architecture {recipe.architecture.kind!r} with bottleneck {recipe.bottleneck.kind!r} "
                "has no numbers for each square of pixels; set model.linear=pca, or bottleneck.kind=map"
            )
        return SquarePath(self.image_shape, self.numbers_of_square, side)

    def start_at(self, components: PrincipalComponents) -> None:
        """Start as PCA, of whole images or of their squares, as the linear path is.

        A decoder that does not take the path's image finds that of whole images in its features instead.
        """
        assert self.linear is not None
        self.linear.start_at(components)
        if not self.architecture.refines and isinstance(self.linear, LinearPath):
            self.bottleneck.start_at(self.linear)

    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Trace:
        """x (B, C, H, W) in [-1, 1] -> Trace. The corruption acts in training, or always if `at_inference`."""
        if self.training or self.corruption.at_inference:
            return self.corrupted(x, generator)
        return self._trace(x, x, None, generator)

    def corrupted(self, x: Tensor, generator: torch.Generator | None = None) -> Trace:
        """x (B, C, H, W) in [-1, 1] -> Trace of the corrupted x, as in training, whatever the model's mode."""
        if self.corruption.hides:
            x_in, mask = self.corruption.hide(x, generator)
        else:
            x_in, mask = self.corruption(x, generator), None
        return self._trace(x, x_in, mask, generator)

    def _trace(self, x: Tensor, x_in: Tensor, mask: Tensor | None, generator: torch.Generator | None) -> Trace:
        h, latent = self.latent(x_in, generator, mask)
        return Trace(x, x_in, h, self.beside_prior(latent), self.decode_latents(latent.z), mask)

    def latent(
        self, x_in: Tensor, generator: torch.Generator | None = None, mask: Tensor | None = None
    ) -> tuple[Tensor, Latent]:
        """x_in (B, C, H, W) in [-1, 1] -> the encoder's features h and the bottleneck's latent.

        mask: (B, 1, H, W), true where pixels are hidden; passed to an architecture that `supports_mask`.
        """
        h = self._encoded(x_in, mask)
        return h, self.bottleneck(h, offset=self._offset(x_in), generator=generator)

    def posterior_of(self, x: Tensor) -> Posterior:
        """q(z|x) of x (B, C, H, W) in [-1, 1], for priors that are made of posteriors; differentiable in x.

        Running statistics are used but not updated, because such images are not data.
        """
        with evaluation_mode(self.architecture):
            return self.bottleneck.posterior(self._encoded(x), offset=self._offset(x))

    def _encoded(self, x_in: Tensor, mask: Tensor | None = None) -> Tensor:
        encoder = self.architecture.encoder
        if mask is not None and self.architecture.supports_mask:
            return segment(encoder, encoder, x_in, mask, self.corruption.hidden_share)
        return segment(encoder, encoder, x_in)

    def _offset(self, x_in: Tensor) -> Tensor | None:
        return None if self.linear is None else self.linear.encode(x_in).unflatten(1, self.latent_shape)

    def beside_prior(self, latent: Latent) -> Latent:
        """The latent with log p(z) - log q(z|x), if it is needed, and with its KL, if the prior is not normal.

        In evaluation z is the posterior's mean, so this KL is estimated from one draw per image, always the same draw.
        """
        posterior = latent.posterior
        if posterior is None or (self.prior.closed_form and latent.samples == 1):
            return latent
        repeated = posterior if latent.samples == 1 else posterior.repeated(latent.samples)
        z = latent.z.float()
        if not self.training:
            z = repeated.draw(sealed_generator("kl to a learned prior", device=z.device))
        ratio = self.prior(z, self.posterior_of).float() - repeated.log_density(z)
        if self.prior.closed_form:
            return replace(latent, log_ratio=ratio)
        kl = -ratio.unflatten(0, (-1, latent.samples)).mean(1)
        return replace(latent, log_ratio=ratio, penalties={**latent.penalties, "kl": kl}, by_dimension={})

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Shape of one image's latent."""
        return self.bottleneck.latent_shape

    @property
    def latent_size(self) -> int:
        """How many numbers the latent of one image holds."""
        return math.prod(self.latent_shape)

    @property
    def numbers_of_square(self) -> int:
        """How many numbers of the latent belong to each square of pixels; 0 if the latent is no map of squares."""
        side, (numbers, *places) = self.architecture.square, self.latent_shape
        return numbers if side and tuple(places) == grid(self.image_shape[1:], side) else 0

    @property
    def yardstick_size(self) -> int:
        """Number of components of the PCA baseline: the size of the latent, or the number of discrete codes."""
        return math.prod(self.bottleneck.code_shape) if self.bottleneck.codes else self.latent_size

    @property
    def pixel_type(self) -> torch.dtype:
        """Type of the pixels that it takes and makes: uint8, uint16 at a depth of 16, float32 at a depth of 32."""
        return PIXEL_TYPES[self.depth]

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def encode(self, images: Any) -> np.ndarray:
        """Images -> latents (N, *latent_shape) float32. See `reconstruct` for the images it takes.

        Raises RunError if latents are infinite or nearly so, which means that the weights are damaged.
        """
        return batched_array(self, lambda part: with_sane_numbers(self.encode_pixels(part)), self._pixels(images))

    def decode(self, z: Any) -> np.ndarray:
        """Latents (N, *latent_shape), or a single one -> images (N, H, W, C) uint8, or uint16 at a depth of 16.

        z: an array or a tensor of any real type. Raises InputError if a number is NaN or beyond float32, or if the
        shape does not match.
        """
        latents = torch.from_numpy(to_finite_float32(as_array(z), "z"))
        if tuple(latents.shape) == self.latent_shape:
            latents = latents[None]
        if tuple(latents.shape[1:]) != self.latent_shape:
            raise InputError(f"z has shape {tuple(latents.shape)}; this model decodes (N, {_dims(self.latent_shape)})")
        if not len(latents):
            raise InputError(f"z has shape {tuple(latents.shape)}, which is no latent at all; give at least one")
        return batched_array(self, self.decode_to_pixels, latents).transpose(0, 2, 3, 1)

    def reconstruct(self, images: Any) -> np.ndarray:
        """Images -> their reconstructions (N, H, W, C) uint8, or uint16 at a depth of 16.

        images: a path, a PIL image or a list of these, read as the command line reads them: brought to the model's
        channels, and to its size with a warning that says how; or uint8 or float [0, 1] arrays or tensors,
        (N, H, W, C) or (N, C, H, W), or one image without the N; (N, H, W) or (H, W) of grey. A model that was trained
        on 16 bits takes uint16, or values on the scale of its training images, if those had a range.
        Raises InputError if a file cannot be read, or an array's size is not the model's.
        """
        return batched_array(self, self.reconstruct_pixels, self._pixels(images)).transpose(0, 2, 3, 1)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels (B, C, H, W) -> z (B, *latent_shape), on the model's device, in evaluation mode."""
        x = to_unit(pixels)
        x_in = self.corruption(x) if self.corruption.at_inference else x
        return self.latent(x_in)[1].z.float()

    def decode_latents(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) -> x_hat (B, C, H, W) in [-1, 1]."""
        features = self.bottleneck.expand(z)
        if self.linear is None:
            return self.architecture.decoder(features)
        base = self.linear.decode(z)
        if self.architecture.refines:
            return base + self.architecture.decoder(features, base)
        return base + self.architecture.decoder(features)

    def decode_to_pixels(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) -> pixels (B, C, H, W) of `pixel_type`, clamped and rounded."""
        return to_pixels(self.decode_latents(z), self.pixel_type)

    def reconstruct_pixels(self, pixels: Tensor) -> Tensor:
        """Pixels (B, C, H, W) -> pixels of the same shape, clamped and rounded."""
        return self.decode_to_pixels(self.encode_pixels(pixels))

    def fill_in(self, pixels: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Pixels (B, C, H, W) -> the same images, with the patches that the corruption hides filled in by the model."""
        x_in, mask = self.corruption.hide(to_unit(pixels), generator)
        made = self.decode_to_pixels(self.latent(x_in, None, mask)[1].z)
        return torch.where(mask, made, pixels)

    def _pixels(self, images: Any) -> Tensor:
        tally = Tally()
        pixels = torch.from_numpy(to_batch(as_arrays(images), self.form, self.image_shape, tally))
        if said := [change.sentence for change in tally.changes(options=False) if change.what in OF_SIZE]:
            notify(" ".join(said))
        return pixels


def _dims(shape: tuple[int, ...]) -> str:
    return ", ".join(str(size) for size in shape)


def with_sane_numbers(z: Tensor) -> Tensor:
    """z unchanged. Raises RunError if a number is not finite or larger than `_LARGEST`: the weights are damaged."""
    if not (z.abs() <= _LARGEST).all():  # also true for NaN
        raise RunError(
            "the model's latents are infinite or nearly so: its weights are damaged, or its training went astray; "
            "restore them from a copy, or train again"
        )
    return z

"""What the parts of a model and of its objective must have, and what some of them can do.

x --corrupt--> x_in --encode--> h --bottleneck--> z --expand--> h' --decode--> x_hat
objective(model, trace) --> terms, one value per image each

A part is one class in one file of its sort's folder. It extends the class of its sort below and no other part. Its
constructor takes the facts that the sort names, by position, and its options, by keyword only.

- Abstract methods and attributes without a value: every part has them.
- Attributes with a value and methods under "What some can do": a part sets or overrides those that apply to it. Whoever
  uses a part asks the attribute before it calls the method.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from isthmus.core.values import Adversary, Latent, Posterior, Terms, Trace

if TYPE_CHECKING:
    from isthmus.models.autoencoder import Autoencoder
    from isthmus.models.collect_latents import Collected
    from isthmus.models.linear_path import LinearPath


class ModelPart(nn.Module, ABC):
    """What all sorts below but samplers have in common."""

    if TYPE_CHECKING:
        # To a type checker nn.Module has every attribute, and a call gives Any. Here a name that is not declared is an
        # error, and each sort declares its call.
        __getattr__: None  # pyright: ignore[reportIncompatibleMethodOverride]

    def begin_step(self, step: int) -> None:
        """Prepare for optimizer step `step` (from 0), in memory that a captured CUDA graph reads. Default: nothing."""


class Corruption(ModelPart):
    """Changes images before they are encoded. Built as `Kind(image_shape, *, ...)`, image_shape (C, H, W).

    Every random draw comes from `generator`, so that a step draws the same wherever it runs.
    """

    @abstractmethod
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """x (B, C, H, W) in [-1, 1] -> x_in of the same shape. x itself stays as it is."""

    # What some corruptions can do.

    at_inference: bool = False
    """Whether it also acts when the model is used."""
    inference_warning: str = (
        "Its corruption also acts when the model is used: every image it is given is changed first."
    )
    """What the doctor says of a corruption that acts at inference."""

    hides: bool = False
    """Whether it hides square patches and knows which: `hide` and the two attributes below hold then."""
    hidden_share: float = 0.0
    """Share of the patches that are hidden, the same in every image."""
    hidden_patch: int = 0
    """Side of a patch, pixels."""

    def hide(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """x (B, C, H, W) -> x_in of the same shape, and the mask (B, 1, H, W) bool, true where pixels are hidden."""
        raise NotImplementedError(f"{type(self).__name__} hides no patches")

    if TYPE_CHECKING:

        def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor: ...


class Architecture(ModelPart):
    """An encoder and its decoder. Built as `Kind(image_shape, *, ...)`, image_shape (C, H, W).

    encoder: x (B, C, H, W) in [-1, 1] -> h (B, *feature_shape). decoder: h -> x_hat (B, C, H, W).
    """

    encoder: nn.Module
    decoder: nn.Module
    feature_shape: tuple[int, int, int]

    # What some architectures can do.

    supports_mask: bool = False
    """Whether the encoder can be told what is hidden: encoder(x, mask, hidden_share), see `Corruption.hide`."""

    def check_mask(self, patch: int) -> None:
        """Raise InputError where hidden patches of this side, in pixels, do not fit. Default: all fit."""

    supports_linear_start: bool = False
    """Whether `start_beside_linear` makes the decoder answer zero, so that training can start at PCA."""
    refines: bool = False
    """Whether the decoder can be handed the linear path's image to add to: decoder(h, base), base (B, C, H, W)."""

    def start_beside_linear(self) -> None:
        """Let the decoder answer zero until training moves it.

        Raises InputError where an option prevents it.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot start beside a linear path")


class Bottleneck(ModelPart):
    """h -> z and z -> h'. It measures what z costs; the objective weighs that.

    Built as `Kind(feature_shape, *, ...)`, feature_shape (C, H, W) of the architecture.
    """

    latent_shape: tuple[int, ...]
    """Shape of one image's z."""
    penalties: tuple[str, ...] = ()
    """Names of the penalties that each `Latent` carries; the class's docstring states their units."""

    @abstractmethod
    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        """h (B, C, H, W) -> Latent. In training z may be drawn, from `generator`; in evaluation it is deterministic.

        offset: (B, *latent_shape) to add to z, or to its mean, where the bottleneck `supports_linear_start`.
        """

    @abstractmethod
    def expand(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) -> h' (B, C, H, W), of the shape of h."""

    # What some bottlenecks can do.

    codes: int = 0
    """How many codes a position of z can be; 0 where z is made of numbers."""
    code_shape: tuple[int, ...] = ()
    """Shape of one image's codes, where there are some."""

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) made of codes -> codes (B, *code_shape) int64."""
        raise NotImplementedError(f"{type(self).__name__} has no codes")

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, *code_shape) -> z (B, *latent_shape)."""
        raise NotImplementedError(f"{type(self).__name__} has no codes")

    def codebook(self) -> Tensor | None:
        """The vectors behind all codes, (codes, D); None where one vector does not name a position. Default: None."""
        return None

    has_posterior: bool = False
    """Whether z is drawn from a Gaussian q(z|x), which `posterior` gives, as does each `Latent`."""

    def posterior(self, h: Tensor, *, offset: Tensor | None = None) -> Posterior:
        """h (B, C, H, W) -> q(z|x), float32. offset: as in `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no posterior")

    has_own_prior: bool = False
    """Whether it has a prior that no part of sort `priors` can be, which `sample_prior` draws from."""

    def sample_prior(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, *latent_shape) draws from its own prior."""
        raise NotImplementedError(f"{type(self).__name__} has no prior of its own")

    supports_linear_start: bool = False
    """Whether it adds the linear path's `offset` to z, so that training can start at PCA."""

    def start_beside_linear(self) -> None:
        """Let z be the offset alone until training moves it."""
        raise NotImplementedError(f"{type(self).__name__} cannot start beside a linear path")

    def start_at(self, linear: LinearPath) -> None:
        """Let h' show the linear path's image, for decoders that are not handed it. Default: h' stays as drawn."""

    if TYPE_CHECKING:

        def __call__(
            self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None
        ) -> Latent: ...


class Prior(ModelPart):
    """The density over latents that a posterior is held against.

    Built as `Kind(latent_shape, image_shape, *, ...)`. posterior_of: images (N, C, H, W) in [-1, 1] -> their
    posteriors, for priors that are made of some.
    """

    @abstractmethod
    def forward(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor:
        """z (N, D) -> log density (N,), nats."""

    @abstractmethod
    def sample(
        self, count: int, posterior_of: Callable[[Tensor], Posterior], generator: torch.Generator | None = None
    ) -> Tensor:
        """(count, D) draws."""

    # What some priors can do.

    closed_form: bool = False
    """Whether it is the standard normal, against which bottlenecks state their `kl` in closed form."""

    if TYPE_CHECKING:

        def __call__(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor: ...


class Distortion(ModelPart):
    """How far an output is from its original. Built as `Kind(*, ...)`."""

    @abstractmethod
    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """x_hat, x (B, C, H, W) in [-1, 1] -> (B,), summed over pixel values.

        Raises InputError where the images are too small for it.
        """

    # What some distortions can do.

    nats: bool = False
    """Whether it is a likelihood, -log p(x|z) in nats, so that the likelihood of images can be bounded."""

    if TYPE_CHECKING:

        def __call__(self, x_hat: Tensor, x: Tensor) -> Tensor: ...


class Regularizer(ModelPart):
    """What is asked of a model beside its distortion and its bottleneck's penalties.

    Built as `Kind(latent_shape, image_shape, *, ...)`.
    """

    @abstractmethod
    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        """The weighted loss (B,), and what it is made of by name, each (B,).

        In evaluation it answers the same twice, also where no gradients are to be had.
        """

    # What some regularizers can do.

    def check(self, model: Autoencoder) -> None:
        """Raise InputError where the model lacks what this needs. Default: any model will do."""

    towards_prior: bool = False
    """Whether it makes all latents together draws of the standard normal."""
    calls_model: bool = False
    """Whether it calls the model again, beyond what the trace holds: see `Objective.calls_model`."""
    adversaries: Mapping[str, Adversary] = MappingProxyType({})
    """Networks that train against the model, by name, on the loss that `adversary_terms` gives."""

    def adversary_terms(self, trace: Trace) -> Terms:
        """The adversaries' loss (B,), and what it is made of. The trace is detached: no gradient reaches the model."""
        raise NotImplementedError(f"{type(self).__name__} has no adversaries")

    if TYPE_CHECKING:

        def __call__(self, model: Autoencoder, trace: Trace) -> Terms: ...


class Objective(ModelPart):
    """What is minimised. Built as `Kind(distortion, regularizer, *, ...)`."""

    distortion: Distortion
    regularizer: Regularizer
    weights: Mapping[str, float]
    """By penalty; each penalty of the bottleneck has a weight or is in `handles`."""

    @abstractmethod
    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        """The loss (B,), and the unweighted quantities that it is made of by name, each (B,)."""

    # What some objectives can do.

    handles: tuple[str, ...] = ()
    """Penalties that need no weight."""
    needs_mask: bool = False
    """Whether it is about hidden pixels: without a corruption that `hides` it would do nothing of its own."""

    @property
    def calls_model(self) -> bool:
        """Whether a step takes more than one pass through the model, and may differentiate a derivative of it.

        Ask before compiling, distributing or speeding up that one pass.
        """
        return self.regularizer.calls_model

    if TYPE_CHECKING:

        def __call__(self, model: Autoencoder, trace: Trace) -> Terms: ...


class Sampler(ABC):
    """Where new latents come from. It has no options."""

    @abstractmethod
    def __init__(self, model: Autoencoder, known: Collected) -> None:
        """known: latents of training images, for those that are fitted to them."""

    @staticmethod
    @abstractmethod
    def suits(model: Autoencoder) -> bool:
        """Whether it can draw latents of this model."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""

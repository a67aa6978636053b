"""The interfaces of parts: what each part of a model and its objective must have, and what some parts can do.

x --corrupt--> x_in --encode--> h --bottleneck--> z --expand--> h' --decode--> x_hat
objective(model, trace) --> terms, one value per image each

A part is one class in one file of its sort's folder. It extends the class of its sort below and no other part. Its
constructor takes the facts that the sort's docstring names, by position, and its options, by keyword only.

- Abstract methods and attributes without a value: required of every part.
- Attributes with a value and methods under "What some ... can do": a part sets or overrides those that apply to it.
  Code that uses a part checks the attribute before it calls the method.
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
    """What all sorts below except samplers have in common."""

    if TYPE_CHECKING:
        # A type checker believes that nn.Module has every attribute and that a call returns Any. This line makes an
        # undeclared name an error, and each sort declares its call.
        __getattr__: None  # pyright: ignore[reportIncompatibleMethodOverride]

    def begin_step(self, step: int) -> None:
        """Set per-step state before optimizer step `step` (from 0), in place, so that a captured CUDA graph reads it.

        Default: nothing.
        """


class Corruption(ModelPart):
    """Changes images before they are encoded. Built as `Kind(image_shape, *, ...)`, image_shape (C, H, W).

    Every random draw comes from `generator`, so that a step draws the same numbers wherever it runs.
    """

    @abstractmethod
    def forward(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """x (B, C, H, W) in [-1, 1] -> x_in of the same shape. x itself is not changed."""

    # What some corruptions can do.

    at_inference: bool = False
    """Whether it also acts at inference."""
    inference_warning: str = (
        "Its corruption also acts when the model is used: every image it is given is changed first."
    )
    """What the doctor reports about a corruption that acts at inference."""

    noise_range: tuple[float, float] | None = None
    """Lowest and highest standard deviation of its noise on the [-1, 1] scale, if it adds independent Gaussian noise.

    Then a model that is trained with it removes noise of such strengths."""

    hides: bool = False
    """Whether it hides square patches and knows which; only then use `hide` and the two attributes below."""
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

    encoder: x (B, C, H, W) in [-1, 1] -> h (B, *feature_shape). decoder: h -> x_hat (B, C, H, W). Any H and W must
    work, also those that no stride divides: `isthmus.models.padding` pads and crops.
    """

    encoder: nn.Module
    decoder: nn.Module
    feature_shape: tuple[int, int, int]

    # What some architectures can do.

    supports_mask: bool = False
    """Whether the encoder accepts a mask of hidden patches: encoder(x, mask, hidden_share), see `Corruption.hide`."""

    def check_mask(self, patch: int) -> None:
        """Raise InputError if hidden patches with this side, in pixels, do not fit. Default: all fit."""

    supports_linear_start: bool = False
    """Whether `start_beside_linear` makes the decoder output zero, so that training can start at PCA."""
    refines: bool = False
    """Whether the decoder accepts the linear path's image and adds to it: decoder(h, base), base (B, C, H, W)."""

    square: int = 0
    """Side, pixels, of the square of the padded image that each position of h stands for; 0: there is none.

    With it, features can begin with the linear path's image: see `LinearPath.show_in`.
    """

    def start_beside_linear(self) -> None:
        """Make the decoder output zero until training changes its weights.

        Raises InputError if an option prevents it.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot start beside a linear path")


class Bottleneck(ModelPart):
    """h -> z and z -> h'. It measures penalties on z; the objective weights them.

    Built as `Kind(feature_shape, *, ...)`, feature_shape (C, H, W) of the architecture.
    """

    latent_shape: tuple[int, ...]
    """Shape of one image's z."""
    penalties: tuple[str, ...] = ()
    """Names of the penalties that each `Latent` carries; the class's docstring states their units."""

    @abstractmethod
    def forward(self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None) -> Latent:
        """h (B, C, H, W) -> Latent. In training z may be drawn, from `generator`; in evaluation it is deterministic.

        offset: (B, *latent_shape), added to z or to its mean; only if the bottleneck `supports_linear_start`.
        """

    @abstractmethod
    def expand(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) -> h' (B, C, H, W), the shape of h."""

    # What some bottlenecks can do.

    codes: int = 0
    """How many codes a position of z can take; 0 if z is continuous."""
    code_shape: tuple[int, ...] = ()
    """Shape of one image's codes, if z is made of codes."""

    def codes_of(self, z: Tensor) -> Tensor:
        """z (B, *latent_shape) made of codes -> codes (B, *code_shape) int64."""
        raise NotImplementedError(f"{type(self).__name__} has no codes")

    def vectors_of(self, codes: Tensor) -> Tensor:
        """codes (B, *code_shape) -> z (B, *latent_shape)."""
        raise NotImplementedError(f"{type(self).__name__} has no codes")

    def codebook(self) -> Tensor | None:
        """The vectors of all codes, (codes, D); None if a position is not given by one vector. Default: None."""
        return None

    has_posterior: bool = False
    """Whether z is drawn from a Gaussian q(z|x). `posterior` returns it, and each `Latent` carries it."""

    def posterior(self, h: Tensor, *, offset: Tensor | None = None) -> Posterior:
        """h (B, C, H, W) -> q(z|x), float32. offset: as in `forward`."""
        raise NotImplementedError(f"{type(self).__name__} has no posterior")

    has_own_prior: bool = False
    """Whether it brings its own prior, which no part of sort `priors` can replace; `sample_prior` draws from it."""

    def sample_prior(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """(count, *latent_shape) draws from its own prior."""
        raise NotImplementedError(f"{type(self).__name__} has no prior of its own")

    supports_linear_start: bool = False
    """Whether it adds the linear path's `offset` to z, so that training can start at PCA."""

    def start_beside_linear(self) -> None:
        """Make z equal to the offset until training changes the weights."""
        raise NotImplementedError(f"{type(self).__name__} cannot start beside a linear path")

    def start_at(self, linear: LinearPath) -> None:
        """Make h' contain the linear path's image, for decoders that do not accept it. Default: no change."""

    if TYPE_CHECKING:

        def __call__(
            self, h: Tensor, *, offset: Tensor | None = None, generator: torch.Generator | None = None
        ) -> Latent: ...


class Prior(ModelPart):
    """The density over latents with which posteriors are compared.

    Built as `Kind(latent_shape, image_shape, *, ...)`. posterior_of: images (N, C, H, W) in [-1, 1] -> their
    posteriors, for priors that are made of posteriors.
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
    """Whether it is the standard normal, for which bottlenecks compute their `kl` in closed form."""

    if TYPE_CHECKING:

        def __call__(self, z: Tensor, posterior_of: Callable[[Tensor], Posterior]) -> Tensor: ...


class Distortion(ModelPart):
    """How far an output is from its original. Built as `Kind(*, ...)`."""

    @abstractmethod
    def forward(self, x_hat: Tensor, x: Tensor) -> Tensor:
        """x_hat, x (B, C, H, W) in [-1, 1] -> (B,), summed over pixel values.

        Raises InputError if the images are too small for it.
        """

    # What some distortions can do.

    nats: bool = False
    """Whether it is a negative log likelihood, -log p(x|z) in nats, so that the likelihood of images can be bounded."""

    def set_levels(self, highest: int) -> None:
        """Pixels have the values 0 to `highest`: for likelihoods of discrete values. Default: nothing.

        It is called for every model; before, a likelihood assumes 255. Real numbers, which have no levels, are 1.
        Raises InputError if they do not fit.
        """

    if TYPE_CHECKING:

        def __call__(self, x_hat: Tensor, x: Tensor) -> Tensor: ...


class Regularizer(ModelPart):
    """A further loss term beside the distortion and the bottleneck's penalties.

    Built as `Kind(latent_shape, image_shape, *, ...)`.
    """

    @abstractmethod
    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        """The weighted loss (B,), and its terms by name, each (B,).

        In evaluation it is deterministic, and it must also work where gradients are switched off.
        """

    # What some regularizers can do.

    def check(self, model: Autoencoder) -> None:
        """Raise InputError if the model lacks what this regularizer needs. Default: every model is accepted."""

    towards_prior: bool = False
    """Whether it pulls the distribution of all latents together towards the standard normal."""
    calls_model: bool = False
    """Whether it calls the model again, beyond what the trace holds: see `Objective.calls_model`."""
    adversaries: Mapping[str, Adversary] = MappingProxyType({})
    """Networks that train against the model, by name, on the loss that `adversary_terms` returns."""

    def adversary_terms(self, trace: Trace) -> Terms:
        """The adversaries' loss (B,), and its terms. The trace is detached: no gradient reaches the model."""
        raise NotImplementedError(f"{type(self).__name__} has no adversaries")

    if TYPE_CHECKING:

        def __call__(self, model: Autoencoder, trace: Trace) -> Terms: ...


class Objective(ModelPart):
    """What is minimised. Built as `Kind(distortion, regularizer, *, ...)`."""

    distortion: Distortion
    regularizer: Regularizer
    weights: Mapping[str, float]
    """The weight of each penalty. Every penalty of the bottleneck has a weight here or is in `handles`."""

    @abstractmethod
    def forward(self, model: Autoencoder, trace: Trace) -> Terms:
        """The loss (B,), and its unweighted terms by name, each (B,)."""

    # What some objectives can do.

    handles: tuple[str, ...] = ()
    """Penalties that the objective handles itself and that need no weight."""
    needs_mask: bool = False
    """Whether it uses hidden pixels: without a corruption that `hides`, it would have no effect of its own."""

    @property
    def calls_model(self) -> bool:
        """Whether a step makes more than one pass through the model, and may need second derivatives of it.

        Check this before you compile, distribute or speed up the single pass.
        """
        return self.regularizer.calls_model

    if TYPE_CHECKING:

        def __call__(self, model: Autoencoder, trace: Trace) -> Terms: ...


class Sampler(ABC):
    """Draws new latents. It has no options."""

    @abstractmethod
    def __init__(self, model: Autoencoder, known: Collected) -> None:
        """known: latents of training images, for samplers that are fitted to them."""

    @staticmethod
    @abstractmethod
    def suits(model: Autoencoder) -> bool:
        """Whether it can draw latents of this model."""

    @abstractmethod
    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """(count, *latent_shape) on the model's device."""

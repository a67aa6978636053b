"""Trainings of a few seconds, with a known fault or without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BASE: Mapping[str, Any] = {
    "architecture.kind": "residual",
    "architecture.width": 16,
    "architecture.depth": 1,
    "bottleneck.kind": "vector",
    "bottleneck.dim": 8,
    "model.linear": "none",
    "train.batch": 64,
    "train.epochs": 12,
    "train.learning_rate": 2e-3,
    "train.beta2": 0.99,
    "train.warmup_steps": 20,
    "train.device": "cpu",
    "train.precision": "fp32",
    "train.kernels": "torch",
    "train.threads": 1,
}


@dataclass(frozen=True)
class Case:
    """A training: `fault` is the rule that must fire, None if none may; `also` are rules that may fire too."""

    name: str
    images: str
    fault: str | None
    changes: Mapping[str, Any] = field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def wrong_test(self) -> bool:
        """Whether the fault may lie in the test images: then a better model may reconstruct them worse."""
        return self.fault in ("input_range", "inverted_test")


def _of(kind: str, **options: Any) -> dict[str, Any]:
    """A bottleneck with its options."""
    return {"bottleneck.kind": kind, **{f"bottleneck.{name}": value for name, value in options.items()}}


_PCA = {"model.linear": "pca", "train.learning_rate": 1e-3}
_VAE = {**_of("gaussian", dim=8), "objective.weights.kl": 1.0}
_SIGMA = {**_VAE, "distortion.kind": "gaussian"}
_VQ = {**_of("vq", codes=64), "objective.weights.commitment": 0.25}
_CONV = {"architecture.kind": "conv", "architecture.filters": [16, 32], "architecture.strides": [2, 2]}
_LOSING = ("below_pca", "rate_too_low")  # often true for a short training

FAULTY: tuple[Case, ...] = (
    Case(
        "rate costs too much",
        "scenes",
        "collapsed",
        {**_VAE, "objective.weights.kl": 100.0},
        ("below_pca", "ignores_latent", "far_from_prior"),
    ),
    Case(
        "codebook that is not kept alive",
        "scenes",
        "dead_codes",
        {**_VQ, "bottleneck.codes": 512, "bottleneck.revive": 0.0},
        _LOSING,
    ),
    Case(
        "one of 200 numbers at a time",
        "scenes",
        "dead_units",
        _of("top_k", dim=200, k=1, boost=0.0),
        (*_LOSING, "ignores_latent"),
    ),
    Case(
        "rate of 0.1",
        "scenes",
        "rate_too_high",
        {"train.learning_rate": 0.1, "train.schedule": "constant", "train.batch": 16},
        ("below_pca", "ignores_latent", "dead_units"),
    ),
    Case(
        "rate of 0.1, digits",
        "digits",
        "rate_too_high",
        {"train.learning_rate": 0.1, "train.schedule": "constant", "train.batch": 16},
        ("below_pca", "ignores_latent", "dead_units"),
    ),
    Case(
        "rate of 0.0001",
        "scenes",
        "rate_too_low",
        {"train.learning_rate": 1e-4, "train.schedule": "constant"},
        ("below_pca", "ignores_latent"),
    ),
    Case(
        "54 images by heart",
        "few-scenes",
        "overfits",
        {"train.epochs": 150, "train.batch": 16, "bottleneck.dim": 32},
        ("below_pca",),
    ),
    Case(
        "72 digits by heart",
        "few-digits",
        "overfits",
        {"train.epochs": 150, "train.batch": 16, "bottleneck.dim": 16},
        ("below_pca",),
    ),
    Case(
        "PCA of 54 images",
        "few-photographs",
        "overfits",
        {**_PCA, "bottleneck.dim": 40, "train.epochs": 40, "train.batch": 16},
        ("stays_at_pca", "rate_too_high"),
    ),
    Case("noise drawn once", "scenes", "noise_left_on", {"corruption.kind": "frozen"}, _LOSING),
    Case("inverted test images", "inverted-scenes", "inverted_test", {}, ("below_pca",)),
    Case("inverted test digits", "inverted-digits", "inverted_test", {}, ("below_pca",)),
    Case("twelve bits in sixteen", "twelve-bits", "input_range", {}, (*_LOSING, "ignores_latent")),
    Case(
        "a camera with its cap on",
        "nearly-constant",
        "input_range",
        {},
        ("below_pca", "ignores_latent", "overfits", "too_wide"),
    ),
    Case("test images scaled twice", "dark-test", "input_range", {}, _LOSING),
    Case(
        "a latent nobody needs",
        "scenes",
        "ignores_latent",
        {**_VAE, "objective.weights.kl": 1000.0},
        ("below_pca", "collapsed", "far_from_prior"),
    ),
    Case("64 numbers in 12 epochs", "photographs", "below_pca", {"bottleneck.dim": 64}, ("rate_too_low",)),
    Case(
        "PCA harmed by training",
        "scenes",
        "stays_at_pca",
        {**_PCA, **_CONV, "bottleneck.dim": 64, "train.learning_rate": 0.1},
        ("rate_too_high", "overfits"),
    ),
    Case("a prior that costs nothing", "scenes", "far_from_prior", {**_VAE, "objective.weights.kl": 1e-3}, _LOSING),
    Case("copies among the test images", "leaked", "leaked", {}, _LOSING),
    Case("mirrored digits", "digits", "mirrored", {"train.mirror": True, "train.epochs": 20}, ("below_pca",)),
    Case("twenty images", "twenty", "untrained", {"train.epochs": 5}),
    Case("one epoch", "scenes", "untrained", {"train.epochs": 1}),
)

# long enough to leave PCA: with a quarter of this, scenes stay within 0.03 dB of PCA, which is a fault
_FROM_PCA = {**_PCA, "train.epochs": 48}

HEALTHY: tuple[Case, ...] = (
    Case("plain, scenes", "scenes", None, {"train.epochs": 80}),
    Case("from PCA, scenes", "scenes", None, _FROM_PCA),
    Case("from PCA, 4 numbers", "scenes", None, {**_FROM_PCA, "bottleneck.dim": 4}),
    Case("from PCA, 16 numbers", "scenes", None, {**_FROM_PCA, "bottleneck.dim": 16}),
    Case("from PCA, photographs", "many-photographs", None, {**_FROM_PCA, "train.epochs": 24}),
    Case(
        "from PCA, 4 numbers, photographs",
        "many-photographs",
        None,
        {**_FROM_PCA, "bottleneck.dim": 4, "train.epochs": 24},
    ),
    Case("from PCA, digits", "digits", None, {**_PCA, "train.epochs": 20}),
    Case("from PCA, 4 numbers, digits", "digits", None, {**_PCA, "bottleneck.dim": 4, "train.epochs": 20}),
    Case("mirrored where it helps", "scenes", None, {**_FROM_PCA, "train.mirror": "auto"}),
    Case("mirrored nowhere", "digits", None, {**_PCA, "train.mirror": "auto", "train.epochs": 20}),
    Case("convolutions from PCA", "scenes", None, {**_FROM_PCA, **_CONV, "bottleneck.dim": 4, "train.epochs": 60}),
    Case("denoising", "scenes", None, {**_FROM_PCA, "corruption.kind": "gaussian", "corruption.std": 0.1}),
    Case("absolute error", "scenes", None, {**_FROM_PCA, "distortion.kind": "l1"}),
    Case("sigma-vae", "scenes", None, {**_SIGMA, "train.epochs": 40}),
    Case("sigma-vae, digits", "digits", None, {**_SIGMA, "train.epochs": 60}),
    Case("wae", "scenes", None, {"regularizer.kind": "mmd", "train.epochs": 80}),
    Case("rae", "scenes", None, {"regularizer.kind": "decoder_gradient", "train.epochs": 80}),
    Case("top-k", "scenes", None, {**_of("top_k", dim=16, k=8), "train.epochs": 30}, ("below_pca",)),
    Case("vq", "scenes", None, {**_VQ, "train.epochs": 30}, ("below_pca",)),
    Case("fsq", "scenes", None, {**_of("fsq", levels=[4, 4, 4]), "train.epochs": 30}, ("below_pca",)),
)

"""The options of a recipe that belong to no part: the tables `split`, `model` and `train`, and what is outside of them.

A field's description is the one source of what `isthmus list`, the documentation and the JSON schema say of it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Positive = Annotated[int, Field(ge=1)]
PositiveFloat = Annotated[float, Field(gt=0)]


def _says(description: str, *, unit: str | None = None, **bounds: Any) -> Any:
    """A field's description, unit and bounds."""
    return Field(description=description, json_schema_extra=None if unit is None else {"unit": unit}, **bounds)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Split(_Options):
    """How many images are held out. Which ones depends only on the seed and the images' content."""

    validation: Annotated[float, _says("share of the training images that is held out for validation", gt=0, lt=1)] = (
        0.1
    )
    test: Annotated[
        float,
        _says("share that is held out for the test; used only if the data has no test images of its own", gt=0, lt=1),
    ] = 0.1
    seed: Annotated[int, _says("which images are held out", ge=0)] = 0
    limit: Annotated[Positive | None, _says("train on at most this many images; by default on all", unit="images")] = (
        None
    )


class Model(_Options):
    """How the parts are combined."""

    linear: Annotated[
        Literal["none", "pca", "squares"],
        _says(
            "a linear path beside the network, started at PCA of the images (pca) or, for feature maps, of their "
            "squares of pixels (squares)"
        ),
    ] = "none"


class Train(_Options):
    """How the model is trained."""

    epochs: Annotated[int, _says("passes over the training images", unit="epochs", ge=1)] = 20
    least_steps: Annotated[
        int,
        _says("if the epochs are fewer steps than this, train more and longer epochs; 0: never", unit="steps", ge=0),
    ] = 0
    steps: Annotated[
        Positive | None,
        _says("train at most this many steps; the learning-rate schedule ends with them", unit="steps"),
    ] = None
    batch: Annotated[int, _says("training images in a step", unit="images", ge=1)] = 128
    optimizer: Annotated[
        Literal["adam", "adamw", "keras-adam", "muon"],
        _says("how gradients become steps; keras-adam places epsilon as Keras does"),
    ] = "adamw"
    learning_rate: Annotated[float, _says("the largest step size, after the warm-up", gt=0)] = 2e-3
    matrix_scale: Annotated[
        float, _says("muon's rate for the architecture's kernels, as a multiple of learning_rate", gt=0)
    ] = 10.0
    linear_scale: Annotated[float, _says("the linear path's rate, as a multiple of learning_rate", ge=0)] = 0.01
    beta2: Annotated[float, _says("Adam's decay rate for squared gradients", gt=0, lt=1)] = 0.999
    mirror: Annotated[
        bool | Literal["auto"],
        _says("mirror a random half of the images in every epoch; auto: only if that does no harm"),
    ] = False
    weight_decay: Annotated[float, _says("pull of the weights towards zero; adamw and muon decouple it", ge=0)] = 0.0
    epsilon: Annotated[float, _says("added to the denominator of Adam's step", gt=0)] = 1e-8
    schedule: Annotated[
        Literal["constant", "cosine"],
        _says("how the learning rate goes on after the warm-up: stays, or falls to zero along a cosine"),
    ] = "cosine"
    warmup_steps: Annotated[
        int, _says("the learning rate grows over this many steps; at most a fifth of all", unit="steps", ge=0)
    ] = 0
    clip_norm: Annotated[PositiveFloat | None, _says("scale gradients down to this norm; by default they are not")] = (
        None
    )
    patience_epochs: Annotated[
        Positive | None,
        _says("stop after this many epochs without a better one; by default all epochs run", unit="epochs"),
    ] = None
    seconds: Annotated[
        PositiveFloat | None,
        _says("train at most this long; the learning-rate schedule ends with it", unit="seconds"),
    ] = None
    monitor: Annotated[
        Literal["validation", "corrupted-validation", "training"],
        _says(
            "the loss that selects the best epoch; corrupted-validation: the validation images are corrupted as in "
            "training"
        ),
    ] = "validation"
    device: Annotated[str, _says("auto, cpu, cuda, cuda:1, mps, ...; auto: the fastest that is here")] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "bf16"],
        _says("of the network's arithmetic; auto: bf16 where the processor is built for it"),
    ] = "auto"
    kernels: Annotated[
        Literal["auto", "compiled", "torch"],
        _says("operations on the CPU: isthmus's own or torch's; auto: isthmus's own where they can be compiled"),
    ] = "auto"
    recompute: Annotated[
        bool | Literal["auto"],
        _says(
            "compute activations again for the backward pass: less memory, more time, the same result; auto: only if "
            "needed"
        ),
    ] = "auto"
    capture: Annotated[bool, _says("on CUDA, replay steps as a CUDA graph; no effect on the CPU")] = True
    threads: Annotated[
        Annotated[int, Field(ge=1, le=1024)] | None, _says("of the CPU; by default torch's choice", unit="threads")
    ] = None


class Outside(_Options):
    """What stands outside of the tables of a recipe."""

    seed: Annotated[
        int, _says("of all random draws in training; in a study, `seeds` takes its place", ge=0, lt=2**31)
    ] = 0
    name: Annotated[str, _says("of the run, and of its folder below runs/; by default the recipe's name")] = "recipe"


TABLES = {"train": Train, "split": Split, "model": Model}
"""The tables of a recipe that choose no part."""

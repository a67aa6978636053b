"""environment.json: how and on what a run is trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from isthmus.run_files.data import Data, Shape
from isthmus.run_files.record import Count, FileRecord, Flag, Record, Size


def _is_named(data: Data) -> Data:
    """Without hash and shape nobody could say whether the run may be evaluated on the images of today."""
    for key in ("hash", "image_shape"):
        if not getattr(data, key):
            raise ValueError(f"{key} is missing")
    return data


class Schedule(Record):
    """How long the run trains on its images."""

    epochs: Count
    """Epochs at most. On few images more than the recipe has."""
    passes_per_epoch: Count
    """Passes over the images in one epoch; more than 1 where the images are few (`train.least_steps`)."""
    steps: Count
    """Optimizer steps at most."""
    warmup_steps: Count
    """Steps of the warm-up: those of the recipe, but at most a fifth of all."""


class Mirror(Record):
    """Whether training shows half of its images, others in every epoch, with left and right exchanged."""

    mirrors: Flag
    """Whether it does. Every checkpoint holds it too, so that a resumed run keeps to it."""
    sentence: str
    """Why, where `train.mirror=auto` decided; empty where the recipe did."""


class Environment(FileRecord):
    """environment.json."""

    model_config = ConfigDict(extra="allow")  # a page shows what other versions wrote, too

    command: str = ""
    """The command as typed."""
    commit: str | None = None
    """Commit of isthmus; null where it does not run from a git checkout."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of isthmus, python, torch and numpy."""
    device: str
    """Where it trains: `cpu`, `cuda`."""
    threads: Size | None = None
    """CPU threads."""
    precision: str
    """Precision of training: `fp32`, `bf16`."""
    kernels: str = ""
    """What some operations run on (`train.kernels`): `torch`, or `compiled` and eight digits."""
    hardware: str = ""
    """The processor or the graphics card."""
    schedule: Schedule | None = None
    """How long it trains."""
    started: str = ""
    """When it began, UTC."""
    data: Annotated[Data, AfterValidator(_is_named)]
    """The images; `hash` and `image_shape` are always there."""
    mirror: Mirror | None = None
    """Whether it shows mirrored images."""

    @property
    def image_shape(self) -> Shape:
        """Channels, height and width of the images."""
        assert self.data.image_shape is not None  # `_is_named`
        return self.data.image_shape

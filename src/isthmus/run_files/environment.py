"""environment.json: how and on what a run is trained."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field

from isthmus.run_files.data import Data, Shape
from isthmus.run_files.record import Count, FileRecord, Flag, Record, Size


def _is_named(data: Data) -> Data:
    """Check that hash and shape are present: evaluation needs them to check that it has the run's images."""
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


# a message shows it in a command that a user may paste into a shell
_ForShell = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]


class RecordedPart(Record):
    """A part of the recipe that another package than isthmus brought."""

    kind: str
    """Its name in the recipe."""
    package: _ForShell
    """The package that brought it."""
    version: _ForShell
    """The package's version."""


class Environment(FileRecord):
    """environment.json."""

    model_config = ConfigDict(extra="allow")  # pages also show keys that other versions wrote

    command: str = ""
    """The command as typed."""
    commit: str | None = None
    """Commit of isthmus; null where it does not run from a git checkout."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of isthmus, python, torch and numpy."""
    parts: dict[str, RecordedPart] = Field(default_factory=dict)
    """Parts of other packages, by the recipe's table that chose them: what must be installed to use the run."""
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
        assert self.data.image_shape is not None  # `_is_named` guarantees it
        return self.data.image_shape

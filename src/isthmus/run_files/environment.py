"""environment.json: how a run is trained, and on which images and hardware."""

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
    """How long the run trains."""

    epochs: Count
    """Maximum number of epochs; with few images, more than in the recipe."""
    passes_per_epoch: Count
    """Passes over the images in one epoch; more than 1 if there are few images (`train.least_steps`)."""
    steps: Count
    """Maximum number of optimizer steps."""
    warmup_steps: Count
    """Warm-up steps: as in the recipe, but at most a fifth of all steps."""


class Mirror(Record):
    """Whether training mirrors half of its images left to right, a different half in every epoch."""

    mirrors: Flag
    """Whether it does. Checkpoints hold this too, so that a resumed run does the same."""
    sentence: str
    """Why, if `train.mirror=auto` decided; empty if the recipe did."""


# a message shows it in a command that a user may paste into a shell
_ForShell = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]


class RecordedPart(Record):
    """A part of the recipe that comes from another package than isthmus."""

    kind: str
    """Its name in the recipe."""
    package: _ForShell
    """The package that it comes from."""
    version: _ForShell
    """The package's version."""


class Environment(FileRecord):
    """environment.json."""

    model_config = ConfigDict(extra="allow")  # pages also show keys that other versions wrote

    command: str = ""
    """The command as typed."""
    commit: str | None = None
    """Commit of isthmus; null if it does not run from a git checkout."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Versions of isthmus, python, torch and numpy."""
    parts: dict[str, RecordedPart] = Field(default_factory=dict)
    """Parts from other packages, by the recipe's table that chose them; to use the run, install their packages."""
    device: str
    """Device of training, such as `cpu` or `cuda`."""
    threads: Size | None = None
    """CPU threads."""
    precision: str
    """Precision of training: `fp32` or `bf16`."""
    kernels: str = ""
    """Which kernels some operations use (`train.kernels`): `torch`, or `compiled` and eight digits."""
    processes: Size = 1
    """Processes that trained together, each on its share of every batch."""
    hardware: str = ""
    """Name of the processor or GPU."""
    schedule: Schedule | None = None
    """How long it trains."""
    started: str = ""
    """Start of training, UTC."""
    data: Annotated[Data, AfterValidator(_is_named)]
    """The images; `hash` and `image_shape` are always present."""
    mirror: Mirror | None = None
    """Whether training mirrors images."""

    @property
    def image_shape(self) -> Shape:
        """Channels, height and width of the images."""
        assert self.data.image_shape is not None  # `_is_named` guarantees it
        return self.data.image_shape

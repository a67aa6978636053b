"""environment.json, training.json, state.json of a checkpoint, and failed.json of a study's run."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from isthmus.core.image_changes import Change
from isthmus.run_files.record import Count, Finite, Record, Size
from isthmus.run_files.schema import Shape

# a message names it within a command, which somebody may paste into a shell
_ForShell = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!-]*$")]


class TrainedOn(Record):
    """The images of a run: without their hash and shape nobody could say whether it may be judged on today's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    kind: str = ""
    source: str = ""
    train_images: Count | None = None
    validation_images: Count | None = None
    test_images: Count | None = None
    hash: Annotated[str, Field(min_length=1)]
    image_shape: Shape
    class_names: tuple[str, ...] = ()
    handling: tuple[Change, ...] = ()
    notices: tuple[str, ...] = ()


class RecordedPart(Record):
    """A part of the recipe that another package than isthmus brought."""

    kind: str
    package: _ForShell
    version: _ForShell


class Environment(Record):
    """environment.json: how and on what a run was trained. What else it says is for people.

    parts: the parts of other packages, by the recipe's table that chose them.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    device: str
    precision: str
    threads: Size | None = None
    parts: dict[str, RecordedPart] = Field(default_factory=dict)
    data: TrainedOn


class TrainingRecord(Record):
    """training.json: how training ended."""

    stopped: str
    sentence: str
    epochs: Count
    best_epoch: Count
    steps: Count
    seconds: Finite
    images_per_second: Finite


class State(Record):
    """state.json of a checkpoint: the digests of its files prove that they belong together.

    progress: see `isthmus.training.loop.Progress`, whose types it is checked by.
    notes: what the bits of the weights depend on, to be compared when a run goes on.
    """

    format: Count
    progress: dict[str, JsonValue]
    notes: dict[str, JsonValue] = Field(default_factory=dict)
    digests: dict[Annotated[str, Field(pattern=r"^[a-z]+\.safetensors$")], str]


class Failure(Record):
    """failed.json: why a study's run could not finish."""

    error: str
    traceback: str = ""

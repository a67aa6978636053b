"""The images of a run, as described in environment.json, evaluation.json and findings.json."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from isthmus.core.image_changes import Change
from isthmus.core.pixels import Depth
from isthmus.run_files.record import Count, Record, Size

_Side = Annotated[Size, Field(le=1 << 14)]  # one square RGB picture with this side takes 3 GB in float32
# shape of an image: channels, height, width
Shape = tuple[_Side, _Side, _Side]


class Data(Record):
    """The images: their source, number and hash, and what was done to them."""

    kind: str = ""
    """The data set, as in `data.kind` of the recipe."""
    source: str = ""
    """Where the images came from, in words."""
    train_images: Count | None = None
    """Number of training images."""
    validation_images: Count | None = None
    """Number of validation images."""
    test_images: Count | None = None
    """Number of test images."""
    hash: str = ""
    """Hash of the images and their split: equal hashes mean equal images."""
    test_hash: str = ""
    """Hash of the test images alone; only runs with equal hashes are compared. Older versions did not write it."""
    image_shape: Shape | None = None
    """Channels, height and width."""
    depth: Depth = 8
    """Bits of a pixel value: scores are of values rounded to that many; 32: real numbers, which are not rounded."""
    range: tuple[float, float] | None = None
    """The values of the sources that became black and white; null where those are the ends of 8 bits."""
    class_names: tuple[str, ...] = ()
    """Names of the classes; empty if there are none."""
    handling: tuple[Change, ...] = ()
    """How the images were changed between their files and the pixels that the model sees."""
    notices: tuple[str, ...] = ()
    """Sentences for the reader, for example about files that were left out."""

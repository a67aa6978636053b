"""The files of a store, and what its `store.json` says.

store.json            this description, written last
train.pixels          (N, C, H, W), raw, little-endian; likewise validation and test, where the source has them
train.safetensors     `hashes` (M, 16) uint8, `labels` (M,) int64, `factor.NAME` (M,) float64, and `rows` (M,) int64:
                      those of the N images that could be read
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from isthmus.core.image_changes import Change
from isthmus.data.chunks import Shape
from isthmus.data.form import LARGEST_SIDE

FORMAT = 1
HEADER = "store.json"
Side = Annotated[int, Field(ge=1, le=LARGEST_SIDE)]


class Header(BaseModel):
    """What a store holds."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    format: Literal[1]
    """Version of the layout of a store's files."""
    isthmus: str
    """The version of isthmus that made it."""
    kind: str
    """The data set that it was made from."""
    source: str
    """Where the images came from, in words."""
    shape: tuple[Side, Side, Side]
    """Channels, height and width."""
    depth: Literal[8, 16]
    """Bits of a pixel's value."""
    range: tuple[float, float] | None = None
    """The values of the sources that became black and white; null where those are the ends of 8 bits."""
    images: dict[str, Annotated[int, Field(ge=0, lt=1 << 40)]]
    """Number of images in each file of pixels: of `train`, and of `validation` and `test` where there are any."""
    class_names: tuple[str, ...] = ()
    """Names of the classes."""
    notices: tuple[str, ...] = ()
    """Sentences for the user, for example about files that were left out."""
    handling: tuple[Change, ...] = ()
    """How the images were changed between their files and these pixels."""


def pixels_name(split: str) -> str:
    return f"{split}.pixels"


def columns_name(split: str) -> str:
    return f"{split}.safetensors"


def row_bytes(shape: Shape, depth: int) -> int:
    """Bytes of one image."""
    return shape[0] * shape[1] * shape[2] * depth // 8

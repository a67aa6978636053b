"""What was done to a data set's images between their files and the pixels that a model sees."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Change(BaseModel):
    """One thing that was done to some of a data set's images."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    what: str
    """What was done, in one word, such as `cropped`."""
    images: int
    """Number of images that it was done to."""
    of: int
    """Number of images that were read."""
    sentence: str
    """The same as a sentence."""
    numbers: dict[str, float] = {}
    """The numbers in the sentence, by name."""


OF_SIZE = frozenset({"cropped", "padded", "stretched", "reduced", "enlarged"})
"""What is done to bring an image to another size."""


def without_options(sentence: str) -> str:
    """What was done, without the option of a data set that does otherwise."""
    said, named, _ = sentence.partition("; data.")
    return f"{said}." if named else said

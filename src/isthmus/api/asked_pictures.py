"""Pictures that a Python function is given for a trained model: paths, or images in memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from isthmus.api.given import given_images
from isthmus.core.errors import InputError
from isthmus.core.wording import shown
from isthmus.data.form import Form
from isthmus.inference.picture_sources import Source


def asked_pictures(given: Any, form: Form) -> Sequence[Source]:
    """What `NamedImages` reads. form: of the model. Raises InputError for anything that is no picture."""
    if isinstance(given, str | Path):
        return [given]
    if isinstance(given, list | tuple) and given and all(isinstance(one, str | Path) for one in given):
        return list(given)
    if isinstance(given, Image.Image):
        given = [given]
    options: dict[str, Any] = {"data.channels": form.channels, "data.depth": form.depth}
    if isinstance(form.range, tuple):
        options["data.range"] = list(form.range)
    images = given_images(given, options)
    if images is None:
        raise InputError(
            f"source: {shown(given)} is no pictures; pass a path, a list of paths, an array, a list of PIL images, or "
            "a data set of PyTorch or of the Hugging Face hub"
        )
    return [images.pictures(form)]

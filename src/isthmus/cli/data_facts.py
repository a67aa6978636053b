"""What `isthmus data` prints: what a data set holds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from isthmus.core import registry
from isthmus.core.outputs import check_free
from isthmus.core.pixels import depth_of
from isthmus.core.wording import printable
from isthmus.pages.contact_sheet import contact_sheet, save_picture
from isthmus.pages.shown_pixels import remarks, view_of
from isthmus.recipes.recipe import Split


def print_data(kind: str, options: dict[str, Any], *, sheet: Path | None, as_json: bool) -> None:
    """What a data set holds after reading and splitting; with `sheet`, also save its first training images as a PNG."""
    if sheet is not None:
        check_free(sheet)
    from isthmus.core.paths import cache_folder
    from isthmus.data.datasets._picture_options import check_shown
    from isthmus.data.splits import split
    from isthmus.data.store.cache import read

    dataset = read(kind, registry.build("datasets", kind, options), cache_folder())

    usual = Split()
    check_shown(options.get("shown_channels"), dataset.train.images.shape[1])
    splits = split(dataset, **usual.model_dump())
    own = {"validation": dataset.validation, "test": dataset.test}
    carved = [f"split.{part}={getattr(usual, part)}" for part, images in own.items() if images is None]
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    facts = {
        "source": splits.source,
        **{name: len(images) for name, images in parts.items()},
        "image_shape": list(splits.train.images.shape[1:]),
        "class_names": list(splits.class_names),
        "hash": splits.hash,
    }
    if sheet is not None:
        images = splits.train.images
        view = view_of(images.shape[1], options.get("shown_channels"))
        save_picture(contact_sheet(view.pictures(images[:64])), sheet)
        for sentence in remarks(view, depth_of(images.dtype), splits.range):
            print(printable(sentence), file=sys.stderr)
    for sentence in (*(change.sentence for change in splits.handling), *splits.notices):
        print(printable(sentence), file=sys.stderr)
    if carved:
        shares = " ".join(carved)
        said = f"Split as by default ({shares}); a recipe may set another share, and trains on another number then."
        print(said, file=sys.stderr)
    if as_json:
        done = [change.model_dump() for change in splits.handling]
        print(json.dumps({**facts, "handling": done, "notices": list(splits.notices)}, indent=1))
        return
    for name, value in facts.items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name:12}  {text:,}" if isinstance(value, int) else f"{name:12}  {printable(str(text))}")

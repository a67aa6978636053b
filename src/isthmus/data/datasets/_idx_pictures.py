"""The images of opened IDX files as pictures."""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.data.datasets._array_pictures import Part, picture_parts
from isthmus.data.datasets._labels import numbered
from isthmus.data.datasets._mnist_files import IdxSplit
from isthmus.data.form import Form
from isthmus.data.interfaces import PictureSet


def idx_pictures(
    splits: Mapping[str, IdxSplit],
    *,
    form: Form,
    source: str,
    class_names: tuple[str, ...] = (),
    notices: tuple[str, ...] = (),
    skip_broken: bool = False,
) -> PictureSet:
    """Raises InputError where the splits have different channels, or no images."""
    labels = numbered({split: found.labels for split, found in splits.items()}, class_names)
    parts = {split: Part(found.images, str(found.files[0]), labels.parts[split]) for split, found in splits.items()}
    pictures, form, said = picture_parts(parts, "auto", form)
    return PictureSet(
        parts=pictures,
        form=form,
        source=source,
        class_names=labels.class_names,
        notices=notices,
        said=said,
        files=tuple(file for found in splits.values() for file in found.files),
        identity={"splits": {split: [str(file) for file in found.files] for split, found in splits.items()}},
        skip_broken=skip_broken,
    )

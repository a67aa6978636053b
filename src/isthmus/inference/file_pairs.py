"""Pictures and folders of pictures from the command line, and the output file of each picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.paths import resolved
from isthmus.data.picture_files import list_pictures


def pairs_of(images: Sequence[Path], out: Path) -> tuple[list[tuple[Path, Path]], list[str]]:
    """(picture, path of its PNG result) for each picture, and notices for the user; folders are searched recursively.

    out: a PNG for one picture, else a folder; subfolders of a searched folder are repeated in it.
    Raises InputError if two results would have the same name, or one would replace a file that isthmus did not make.
    """
    found: list[tuple[Path, Path]] = []  # (picture, its relative path in `out`)
    notices: list[str] = []
    for image in images:
        if image.is_dir():
            listing = list_pictures(image, "images")
            found += [(path, path.relative_to(image)) for path in listing.pictures]
            notices += listing.notices
        else:
            found.append((image, Path(image.name)))
    targets = _targets(found, out, several=len(found) > 1 or any(image.is_dir() for image in images))
    if len(set(targets)) < len(targets):
        raise InputError("two of the images have the same name and would overwrite each other; give them one by one")
    given = {resolved(path) for path, _ in found}
    for target in targets:
        if resolved(target) in given:
            raise InputError(f"{target}: would overwrite the image itself; choose another --out")
        check_free(target)
    return [(path, target) for (path, _), target in zip(found, targets, strict=True)], notices


def _targets(found: Sequence[tuple[Path, Path]], out: Path, *, several: bool) -> list[Path]:
    if out.is_dir() or (several and not out.suffix):
        stems = Counter(name.with_suffix("") for _, name in found)
        # a.png and a.jpg keep their full names, so that their results differ
        return [
            out / (name.with_suffix(".png") if stems[name.with_suffix("")] == 1 else name.with_name(name.name + ".png"))
            for _, name in found
        ]
    if several:
        raise InputError(f"{out}: {len(found)} images need a folder to go to; give --out FOLDER")
    if out.suffix.lower() != ".png" and not is_stream(out):
        raise InputError(f"{out}: reconstructions are saved as PNG; give --out a name that ends in .png")
    return [out]

"""Pictures and folders of pictures from the command line, and the output file of each picture."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.paths import resolved
from isthmus.core.wording import counted
from isthmus.data.form import Form
from isthmus.data.images import read_picture
from isthmus.data.picture_files import list_pictures, some
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array


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
            found += [(image / name, Path(name)) for name in listing.names]
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


class PictureReader:
    """Reads pictures as a model takes them, and keeps what there is to say of them.

    form: that of the model. skip_broken: leave out those that cannot be read.
    """

    def __init__(self, form: Form, *, skip_broken: bool) -> None:
        self._form, self._skip_broken = form, skip_broken
        self._tally = Tally()
        self._read, self._broken = 0, list[str]()

    def read(self, pairs: Sequence[tuple[Path, Path]]) -> tuple[list[np.ndarray], list[Path]]:
        """Pixels (C, H, W) of the pictures that can be read, and where the result of each goes.

        Raises InputError for one that cannot be read, unless they are left out.
        """
        pixels: list[np.ndarray] = []
        targets: list[Path] = []
        for source, target in pairs:
            try:
                image, handled = read_picture(source, self._form, name=str(source))
            except InputError as error:
                if not self._skip_broken:
                    sentence = str(error).removesuffix(" or leave it out")
                    raise InputError(f"{sentence}, or leave it out with --skip-broken") from None
                self._broken.append(str(error).partition("; ")[0])
                continue
            self._tally.add(handled)
            pixels.append(image)
            targets.append(target)
        self._read += len(pixels)
        return pixels, targets

    def notices(self) -> list[str]:
        """What was done to the pictures and which were left out. Raises InputError where none could be read."""
        said = [change.sentence for change in self._tally.changes(options=False)]
        if not self._broken:
            return said
        sentence = f"{len(self._broken):,} of {counted(self._read + len(self._broken), 'image')} cannot be read"
        if not self._read:
            raise InputError(f"{sentence} ({some(self._broken)}); name others")
        return [*said, f"{sentence} and {'is' if len(self._broken) == 1 else 'are'} left out: {some(self._broken)}."]


def reconstructed(model: Autoencoder, pixels: Sequence[np.ndarray]) -> np.ndarray:
    """Reconstructions (N, C, H, W) of pixels that a `PictureReader` read, which are levels already."""
    return batched_array(model, model.reconstruct_pixels, torch.from_numpy(np.stack(pixels)))


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
        raise InputError(f"{out}: results are saved as PNG; give --out a name that ends in .png")
    return [out]

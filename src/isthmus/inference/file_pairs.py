"""Pictures of any source, one by one at any size, and the output file of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
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
from isthmus.data.interfaces import Pictures
from isthmus.data.picture_files import list_pictures, some
from isthmus.data.source_kinds import holds_many, kind_of
from isthmus.inference.picture_sources import PathPictures, find
from isthmus.inference.source_paths import fixed_beginning, is_kind, paths_of
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array


@dataclass(frozen=True)
class Listed:
    """Pictures that are read in one way. form: how. names: of each; results: a relative path of its PNG, to be."""

    pictures: Pictures
    form: Form
    names: tuple[str, ...]
    results: tuple[Path, ...]


@dataclass(frozen=True)
class Listing:
    """All pictures of some sources, in order. several: whether they need a folder to go to. files: that are read."""

    groups: tuple[Listed, ...]
    several: bool
    files: tuple[Path, ...]
    notices: tuple[str, ...]

    def __len__(self) -> int:
        return sum(len(group.names) for group in self.groups)


@dataclass(frozen=True)
class Read:
    """A picture that was read. place: among all of its listing. pixels: (C, H, W)."""

    place: int
    name: str
    pixels: np.ndarray


@dataclass
class _Found:
    groups: list[Listed] = field(default_factory=list)
    loose: list[tuple[Path, Path]] = field(default_factory=list)  # picture files, which are read together
    files: list[Path] = field(default_factory=list)

    def gather(self, form: Form) -> None:
        if self.loose:
            names = tuple(str(path) for path, _ in self.loose)
            self.groups.append(Listed(PathPictures(names), form, names, tuple(result for _, result in self.loose)))
            self.files += [path for path, _ in self.loose]
            self.loose.clear()


def listed(sources: Sequence[str | Path], form: Form) -> Listing:
    """The pictures of picture files, folders, patterns, parquet files, arrays, stores and data sets.

    form: of the model; without a size, pictures keep their own. A folder's subfolders, and those that a pattern
    matches, are repeated in the results; pictures of a data file get its name and their number, as `scans-12`.
    Raises InputError where a source does not exist or holds no picture.
    """
    found, notices, several = _Found(), list[str](), False
    for source in sources:
        for path, _ in paths_of(source, notices):
            if path.is_dir() and kind_of(path) == "folder":
                listing = list_pictures(path, "images")
                found.loose += [(path / name, Path(name)) for name in listing.names]
                notices += listing.notices
                several = True
            elif path.is_dir() or holds_many(path) or is_kind(path):
                found.gather(form)
                _add_data(found, path, form, notices)
                several = True
            else:
                found.loose.append((path, path.relative_to(fixed_beginning(source, path))))
    found.gather(form)
    groups = tuple(found.groups)
    many = sum(len(group.names) for group in groups) > 1
    return Listing(groups, several or many, tuple(found.files), tuple(dict.fromkeys(notices)))


def _add_data(found: _Found, path: Path, form: Form, notices: list[str]) -> None:
    """The pictures of a data file. Their results are numbered: names inside of a file are not to choose a path."""
    parts = find([path], form, skip_broken=True)
    notices += parts.notices
    begun = 0
    for part in parts.parts:
        rows = range(len(part.pictures))
        names = tuple(map(part.address, rows))
        found.groups.append(
            Listed(part.pictures, part.form, names, tuple(Path(f"{path.stem}-{begun + row}.x") for row in rows))
        )
        begun += len(rows)
    if not begun:
        raise InputError(f"{path}: holds no pictures; name another")
    found.files.append(path)


def targets_of(listing: Listing, out: Path) -> list[Path]:
    """The path of each picture's PNG. out: a PNG for one picture, else a folder.

    Raises InputError if two results would have the same name, or one would replace a file that isthmus did not make, or
    a file that is read.
    """
    targets = _targets([result for group in listing.groups for result in group.results], out, several=listing.several)
    if len(set(targets)) < len(targets):
        raise InputError("two of the images have the same name and would overwrite each other; give them one by one")
    given = {resolved(path) for path in listing.files}
    for target in targets:
        if resolved(target) in given:
            raise InputError(f"{target}: would overwrite the image itself; choose another --out")
        check_free(target)
    return targets


class PictureReader:
    """Reads pictures one by one, and keeps what there is to say of them.

    skip_broken: leave out those that cannot be read.
    """

    def __init__(self, *, skip_broken: bool) -> None:
        self._skip_broken = skip_broken
        self._tally = Tally()
        self._read, self._broken = 0, list[str]()

    def each(self, listing: Listing) -> Iterator[Read]:
        """All pictures in order; one that cannot be read raises InputError, unless they are left out."""
        begun = 0
        for group in listing.groups:
            for start, stop in group.pictures.chunks():
                rows = range(start, stop)
                for row, picture in zip(rows, group.pictures.read(start, stop), strict=True):
                    try:
                        pixels, handled = read_picture(picture, group.form, name=group.names[row])
                    except InputError as error:
                        self._leave_out(str(error))
                        continue
                    self._tally.add(handled)
                    self._read += 1
                    yield Read(begun + row, group.names[row], pixels)
            begun += len(group.names)

    def _leave_out(self, problem: str) -> None:
        if not self._skip_broken:
            raise InputError(f"{problem.removesuffix(' or leave it out')}, or leave it out with --skip-broken")
        self._broken.append(problem.partition("; ")[0])

    def notices(self) -> list[str]:
        """What was done to the pictures and which were left out. Raises InputError where none could be read."""
        return [*(change.sentence for change in self._tally.changes(options=False)), *self.left_out()]

    def left_out(self) -> list[str]:
        """A sentence on the pictures that were left out, if any. Raises InputError where none could be read."""
        if not self._broken:
            return []
        sentence = f"{len(self._broken):,} of {counted(self._read + len(self._broken), 'image')} cannot be read"
        if not self._read:
            raise InputError(f"{sentence} ({some(self._broken)}); name others")
        return [f"{sentence} and {'is' if len(self._broken) == 1 else 'are'} left out: {some(self._broken)}."]


def reconstructed(model: Autoencoder, pixels: Sequence[np.ndarray]) -> np.ndarray:
    """Reconstructions (N, C, H, W) of pixels that a `PictureReader` read, which are levels already."""
    return batched_array(model, model.reconstruct_pixels, torch.from_numpy(np.stack(pixels)))


def _targets(results: Sequence[Path], out: Path, *, several: bool) -> list[Path]:
    if out.is_dir() or (several and not out.suffix):
        stems = Counter(name.with_suffix("") for name in results)
        # a.png and a.jpg keep their full names, so that their results differ
        return [
            out / (name.with_suffix(".png") if stems[name.with_suffix("")] == 1 else name.with_name(name.name + ".png"))
            for name in results
        ]
    if several:
        raise InputError(f"{out}: {counted(len(results), 'image')} need a folder to go to; give --out FOLDER")
    if out.suffix.lower() != ".png" and not is_stream(out):
        raise InputError(f"{out}: results are saved as PNG; give --out a name that ends in .png")
    return [out]

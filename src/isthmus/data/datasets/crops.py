"""Crops of photographs at the size that they have: what a network for fine detail and noise learns from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from isthmus.core.change_tally import Tally
from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.paths import expanded, resolved
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.datasets._cutting import Cut, cut_all
from isthmus.data.datasets._named_splits import split_folders
from isthmus.data.datasets._photographs import photographs_of, unseen
from isthmus.data.form import Form
from isthmus.data.interfaces import DataSource
from isthmus.data.picture_files import some

_USES = {"train": "to train on", "validation": "for validation", "test": "for test"}


class Crops(DataSource):
    """Square crops of the photographs in a folder and its subfolders, at their own resolution and reduced.

    A photograph that is scaled to the size of a crop has other detail than photographs have. All crops of a photograph
    are in the same split. Where the folder holds `train` and `test` or `validation`, these are the splits; otherwise a
    tenth of the photographs is taken for validation and a tenth for test. All crops are in memory.

    Options:
        path: the folder.
        size: height and width of a crop in pixels.
        most: crops in all; of many photographs, fewer of each, spread over it.
        scales: at which each photograph is cut. Reduced ones have finer detail, and less of what cameras and JPEG left.
        largest_side: photographs with a longer side are first reduced to it.
        channels: 3 for colours, 1 for grey.
        skip_broken: leave out and name photographs that cannot be read.
    """

    def __init__(
        self,
        *,
        path: str,
        size: Annotated[int, Field(ge=8, le=1024)] = 64,
        most: Annotated[int, Field(ge=3)] = 4000,
        scales: list[Annotated[float, Field(gt=0, le=1)]] | None = None,
        largest_side: Annotated[int, Field(ge=8)] = 1000,
        channels: Literal[1, 3] = 3,
        skip_broken: bool = False,
    ) -> None:
        self.path = expanded(path, "data.path")
        if largest_side < size:
            raise InputError(f"data.largest_side: {largest_side} is less than data.size={size}; set a larger one")
        self.size, self.most, self.skip_broken = size, most, skip_broken
        self.scales, self.largest_side = tuple(scales or (1.0, 0.7, 0.5)), largest_side
        # the upper 8 bits of deeper ones: the scale of a photograph must not depend on others
        self.form = Form(channels=channels, depth=8, range="full")

    def load(self) -> Dataset:
        """Read and cut all photographs, on all cores.

        Raises InputError for too few photographs, and, unless `skip_broken` is set, for unreadable ones.
        """
        notices: list[str] = []
        folders = (split_folders(self.path, "by-name") if self.path.is_dir() else {}) or {"train": self.path}
        parts = photographs_of(self.path, folders, notices)
        total, known, tally = sum(map(len, parts.values())), set[bytes](), Tally()
        cut = Cut(self.size, self.scales, self.largest_side, max(1, self.most // total))
        made, photographs = dict[str, ImageSet](), dict[str, int]()
        broken, small = list[str](), list[str]()
        for split, paths in parts.items():
            kept: list[np.ndarray] = []
            for path, found in zip(paths, cut_all(paths, self.form, cut), strict=True):
                if isinstance(found, InputError):
                    if not self.skip_broken:
                        raise InputError(f"data.path: {found}, or leave such files out with data.skip_broken=true")
                    broken.append(path)
                elif len(found.crops):
                    kept.append(found.crops)
                    tally.add(found.handled)
                else:
                    small.append(os.path.relpath(path, self.path))
            if not kept:
                raise InputError(
                    f"data.path: {self.path}: of {counted(len(paths), 'photograph')} {_USES[split]}, none can be cut "
                    f"into {self.size}x{self.size} pixels; make data.size smaller, or add larger photographs"
                )
            made[split], photographs[split] = unseen(np.concatenate(kept), known), len(kept)
        if broken:
            notices.append(f"{counted(len(broken), 'file')} cannot be read and are left out: {some(broken)}.")
        if small:
            notices.append(f"Smaller than {self.size}x{self.size} pixels and left out: {some(small)}.")
        return Dataset(
            train=made["train"],
            validation=made["validation"],
            test=made["test"],
            source=f"crops of photographs: {resolved(self.path).name}",
            notices=tuple(notices),
            handling=(self._said(made, photographs), *tally.changes(options=False)),
            drew_test="test" not in folders,
        )

    def _said(self, made: Mapping[str, ImageSet], photographs: Mapping[str, int]) -> Change:
        parts = ", ".join(
            f"{len(made[split]):,} of {counted(photographs[split], 'photograph')} {use}" for split, use in _USES.items()
        )
        total, side = sum(map(len, made.values())), f"{self.size}x{self.size}"
        scales = ", ".join(map("{:g}".format, self.scales))
        return Change(
            what="cut",
            images=total,
            of=total,
            sentence=f"Cut into crops of {side} pixels, at {scales} times their size: {parts}.",
            numbers={split: float(len(part)) for split, part in made.items()},
        )

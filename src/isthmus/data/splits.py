"""Splits images into train, validation and test: disjoint by content, drawn by a seed, identified by a hash."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.pixels import Pixels, blocks, is_real, levels
from isthmus.core.values import Dataset, ImageSet
from isthmus.core.wording import counted
from isthmus.data.content_hashes import as_keys, data_hash, digests, hashes_of

_USUAL = 0.1  # of the images, where nothing else is said
LEAST = {"validation": 1, "test": 2}  # images: a confidence interval needs two test images
_FEW = range(5, 20)  # of so few images, a fraction may round to none; of more, a fraction of none is a mistake
_FEW_TEST = 10
_ALIKE, _NARROW = 8, 64  # grey levels, of 256
_LOOKED = 4096  # images: if these vary, all do; if they do not, all are looked at


@dataclass(frozen=True)
class Splits:
    """A data set split in three; no image of one part is identical to one in another.

    source, class_names, notices, handling, range: as in `Dataset`, with the split's own notices added.
    hash: of all three parts' pixels in their order, `sha256:...`. test_hash: the same for the test images alone.
    own_test: whether the test images came with the data set; otherwise they were drawn from it by a seed.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    source: str
    class_names: tuple[str, ...]
    notices: tuple[str, ...]
    hash: str
    test_hash: str = ""
    handling: tuple[Change, ...] = ()
    own_test: bool = False
    range: tuple[float, float] | None = None


def split(
    dataset: Dataset,
    *,
    validation: float = _USUAL,
    test: float = _USUAL,
    seed: int = 0,
    limit: int | None = None,
) -> Splits:
    """Split a data set in three by the images' content.

    The images with the lowest hashes under the seed are held out. So the images' order does not matter, and
    identical images are always in the same part.

    validation: the fraction of the training images that is held out for validation, where the data set has no
        validation images of its own. test: likewise for test. Of 5 to 19 images, at least 2 are held out for test
        and 1 for validation.
    limit: keep this many of the remaining training images, drawn by the seed.
    Raises InputError where a part would be empty, and where an image is in two parts of the data set.
    """
    for option, fraction in (("validation", validation), ("test", test)):
        if not 0 < fraction < 1:
            raise InputError(f"split.{option}: {fraction} must lie between 0 and 1")
    hashes = hashes_of(dataset.train)
    _refuse_identical(dataset, hashes)
    given = {"validation": dataset.validation, "test": dataset.test}
    parts: dict[str, tuple[ImageSet, np.ndarray]] = {}
    for name, images in given.items():
        if images is not None:
            parts[name] = (images, hashes_of(images))
    _refuse_leaks(dataset, {"training": hashes, **{name: part[1] for name, part in parts.items()}})
    rest = np.arange(len(hashes))
    for name, fraction in (("test", test), ("validation", validation)):
        if name not in parts:
            held = _lowest(_rank(hashes[rest], name, seed), _count(name, fraction, len(hashes)))
            parts[name] = (dataset.train.take(rest[held]), hashes[rest[held]])
            rest = rest[~held]
    _refuse_empty(dataset, hashes, {"training": len(rest), **{name: len(parts[name][0]) for name in LEAST}})
    whole = [hashes, *(parts[name][1] for name, images in given.items() if images is not None)]
    notices = [
        *dataset.notices,
        *_idle(given, {"validation": validation, "test": test}),
        *_copies(whole),
        *_look(dataset, len(parts["test"][0])),
    ]
    if limit is not None:
        if limit < 1:
            raise InputError(f"split.limit: {limit} must be at least 1")
        if limit > len(rest):
            notices.append(f"split.limit={limit} has no effect on {len(rest)} training images.")
        order = np.argsort(_rank(hashes[rest], "limit", seed), kind="stable")
        rest = rest[np.sort(order[:limit])]
    return Splits(
        train=dataset.train.take(rest),
        validation=parts["validation"][0],
        test=parts["test"][0],
        source=dataset.source,
        class_names=dataset.class_names,
        notices=tuple(notices),
        hash=data_hash(hashes[rest], parts["validation"][1], parts["test"][1]),
        test_hash=data_hash(parts["test"][1]),
        handling=dataset.handling,
        own_test=dataset.test is not None and not dataset.drew_test,
        range=dataset.range,
    )


def _rank(hashes: np.ndarray, purpose: str, seed: int) -> np.ndarray:
    """(N, 16) -> (N,) uint64: one random number per image, a function of its hash, the purpose and the seed."""
    # explicitly little-endian, so that every machine holds out the same images
    return digests(hashes, f"{purpose} {seed}").view("<u8")[:, 0]


def _lowest(ranks: np.ndarray, count: int) -> np.ndarray:
    """(N,) bool, true for the `count` lowest; equal ranks, which are identical images, stay together."""
    count = min(count, len(ranks))
    if not count:
        return np.zeros(len(ranks), dtype=bool)
    return ranks <= np.partition(ranks, count - 1)[count - 1]


def _count(part: str, fraction: float, images: int) -> int:
    """How many of `images` are held out: the fraction, or the least that a part needs."""
    return max(round(fraction * images), LEAST[part] if images in _FEW else 0)


def _refuse_identical(dataset: Dataset, hashes: np.ndarray) -> None:
    """Raise InputError where all training images are identical."""
    if len(hashes) < 2 or (hashes != hashes[0]).any():
        return
    reduced = [change.sentence for change in dataset.handling if change.what == "to_8_bits"]
    remedy = (
        f"if their files differ, correct this: {reduced[0].rstrip('.')}" if reduced else "there is nothing to learn"
    )
    raise InputError(f"data: all {len(hashes):,} images of {dataset.source} are identical; {remedy}")


def _refuse_empty(dataset: Dataset, hashes: np.ndarray, sizes: Mapping[str, int]) -> None:
    """Raise InputError where a part has no image."""
    if all(sizes.values()):
        return
    if len(hashes) < _FEW.start:
        other = ", or other fractions in split.validation and split.test" if len(hashes) == _FEW.start - 1 else ""
        raise InputError(
            f"data: {dataset.source}: only {counted(len(hashes), 'image')}, too few to train, validate and test on; "
            f"use {_FEW.start} or more{other}"
        )
    part = next(name for name, size in sizes.items() if not size)
    distinct = len(np.unique(as_keys(hashes)))
    sentence = f"data: no {part} images are left of {len(hashes):,} in {dataset.source}"
    if distinct < len(hashes):
        sentence += f", of which only {distinct:,} differ (identical ones stay in one part)"
    raise InputError(f"{sentence}; use more images or other fractions in split.validation and split.test")


def _refuse_leaks(dataset: Dataset, parts: Mapping[str, np.ndarray]) -> None:
    """Raise InputError where the data set's own parts have different shapes or an image in common.

    parts: name -> content hashes, of training and of the parts that the data set brings itself.
    """
    shape = dataset.train.images.shape[1:]
    known: dict[str, np.ndarray] = {}
    for name, hashes in parts.items():
        own = {"validation": dataset.validation, "test": dataset.test}.get(name)
        if own is not None and own.images.shape[1:] != shape:
            raise InputError(
                f"data: training images of shape {shape} and {name} images of shape {own.images.shape[1:]} do not "
                "go together; give both one size"
            )
        rows = as_keys(hashes)
        for other, theirs in known.items():
            leaked = np.flatnonzero(np.isin(rows, theirs)).tolist()
            if leaked:
                first = ", ".join(map(str, leaked[:5])) + (", ..." if len(leaked) > 5 else "")
                raise InputError(
                    f"data: {len(leaked)} of {len(rows)} {name} images are also {other} images in {dataset.source} "
                    f"({name} images {first}, counted from 0); remove them from one of these, or choose others"
                )
        known[name] = rows


def _idle(given: Mapping[str, ImageSet | None], fractions: Mapping[str, float]) -> list[str]:
    """A sentence for each fraction that was set although the data set has such images of its own."""
    return [
        f"split.{name}={fraction} has no effect: the data set has {name} images of its own; leave it out."
        for name, fraction in fractions.items()
        if given[name] is not None and fraction != _USUAL
    ]


def _copies(parts: Sequence[np.ndarray]) -> list[str]:
    """A sentence where some images are copies of others. parts: content hashes (N, 16) of disjoint sets of images."""
    images = sum(map(len, parts))
    distinct = sum(len(np.unique(as_keys(part))) for part in parts)
    if distinct == images:
        return []
    return [
        f"Only {distinct:,} of the {images:,} images differ: {images - distinct:,} are copies, pixel for pixel, of "
        "others. Copies of one image are all in the same part (training, validation or test), and each copy counts."
    ]


def _look(dataset: Dataset, tests: int) -> list[str]:
    """Sentences to read before training: few of the `tests` test images, or training images with little in them."""
    notices: list[str] = []
    images = dataset.train.images
    if tests < _FEW_TEST:
        more = "a higher split.test holds out more" if dataset.test is None else "use more test images"
        notices.append(
            f"Only {tests} images are held out for test: scores on so few say little about other images; {more}."
        )
    if is_real(images.dtype):  # what is little in them, only whoever gave them knows
        return notices
    low, high = _extremes(images)
    if len(images) > _LOOKED and (_is_plain(low, high) or _are_alike(low, high)):
        low, high = _extremes(images, whole=True)
    white = levels(images.dtype)
    apart, least, most = int((high - low).max()), int(low.min()), int(high.max())
    if len(images) > 1 and _are_alike(low, high):
        notices.append(
            f"The {len(images):,} images are nearly identical: no pixel differs by more than {apart:,} of {white:,} "
            "between any two of them, so there is hardly anything to learn."
        )
    if _is_plain(low, high):
        notices.append(
            f"The images use only the values {least:,} to {most:,} of 0 to {white:,}; scale them up first, or the "
            "model sees little contrast."
        )
    return notices


def _extremes(images: Pixels, *, whole: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(C, H, W) each: the lowest and the highest value of every pixel, over at most `_LOOKED` images or the whole."""
    if whole or len(images) <= _LOOKED:
        parts = (images[block] for block in blocks(images))
    else:
        parts = iter([images[np.linspace(0, len(images) - 1, _LOOKED).astype(np.int64)]])
    low, high = np.full(images.shape[1:], levels(images.dtype), images.dtype), np.zeros(images.shape[1:], images.dtype)
    for part in parts:
        low, high = np.minimum(low, part.min(0)), np.maximum(high, part.max(0))
    return low, high


def _are_alike(low: np.ndarray, high: np.ndarray) -> bool:
    return int((high - low).max()) < _ALIKE / 255 * levels(low.dtype)


def _is_plain(low: np.ndarray, high: np.ndarray) -> bool:
    return int(high.max()) - int(low.min()) < _NARROW / 255 * levels(low.dtype)

"""Splits images into train, validation and test: disjoint by content, drawn by a seed, identified by a hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.values import Dataset, ImageSet

_USUAL = 0.1  # of the images, where nothing else is said
LEAST = {"validation": 1, "test": 2}  # images: a confidence interval needs two test images
_FEW = range(5, 20)  # of so few images, a fraction may round to none; of more, a fraction of none is a mistake
_FEW_TEST = 10
_ALIKE, _NARROW = 8, 64  # grey levels, of 256


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
    hashes = content_hashes(dataset.train.images)
    _refuse_identical(dataset, hashes)
    given = {"validation": dataset.validation, "test": dataset.test}
    parts: dict[str, tuple[ImageSet, np.ndarray]] = {}
    for name, images in given.items():
        if images is not None:
            parts[name] = (images, content_hashes(images.images))
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
        own_test=dataset.test is not None,
        range=dataset.range,
    )


def content_hashes(images: np.ndarray) -> np.ndarray:
    """(N, 3, H, W) uint8 -> (N, 16) uint8: a BLAKE2b digest of each image's shape and pixels."""
    return _digests(images, f"image {images.shape[1:]}")


def data_hash(*hashes: np.ndarray) -> str:
    """One hash for several sets of images, from the content hashes (N, 16) of each in order: `sha256:...`."""
    whole = hashlib.sha256()
    for part in hashes:
        whole.update(f"{len(part)} images\n".encode())
        whole.update(part.tobytes())
    return f"sha256:{whole.hexdigest()}"


def _rank(hashes: np.ndarray, purpose: str, seed: int) -> np.ndarray:
    """(N, 16) -> (N,) uint64: one random number per image, a function of its hash, the purpose and the seed."""
    # explicitly little-endian, so that every machine holds out the same images
    return _digests(hashes, f"{purpose} {seed}").view("<u8")[:, 0]


def _digests(rows: np.ndarray, label: str) -> np.ndarray:
    """(N, ...) -> (N, 16) uint8; different `label`s give different digests of the same row."""
    start = hashlib.blake2b(label.encode() + b"\n", digest_size=16)
    digests = bytearray()
    for row in np.ascontiguousarray(rows):
        digest = start.copy()
        digest.update(row)
        digests += digest.digest()
    return np.frombuffer(digests, dtype=np.uint8).reshape(-1, 16)


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
    if len(hashes) < 2 or len({row.tobytes() for row in hashes}) > 1:
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
    part = next(name for name, size in sizes.items() if not size)
    distinct = len({row.tobytes() for row in hashes})
    sentence = f"data: no {part} images are left of {len(hashes):,} in {dataset.source}"
    if distinct < len(hashes):
        sentence += f", of which only {distinct:,} differ (identical ones stay in one part)"
    raise InputError(f"{sentence}; use more images or other fractions in split.validation and split.test")


def _refuse_leaks(dataset: Dataset, parts: Mapping[str, np.ndarray]) -> None:
    """Raise InputError where the data set's own parts have different shapes or an image in common.

    parts: name -> content hashes, of training and of the parts that the data set brings itself.
    """
    shape = dataset.train.images.shape[1:]
    known: dict[str, set[bytes]] = {}
    for name, hashes in parts.items():
        own = {"validation": dataset.validation, "test": dataset.test}.get(name)
        if own is not None and own.images.shape[1:] != shape:
            raise InputError(
                f"data: training images of shape {shape} and {name} images of shape {own.images.shape[1:]} do not "
                "go together; give both one size"
            )
        rows = [row.tobytes() for row in hashes]
        for other, theirs in known.items():
            leaked = [index for index, row in enumerate(rows) if row in theirs]
            if leaked:
                first = ", ".join(map(str, leaked[:5])) + (", ..." if len(leaked) > 5 else "")
                raise InputError(
                    f"data: {len(leaked)} of {len(rows)} {name} images are also {other} images in {dataset.source} "
                    f"({name} images {first}, counted from 0); remove them from one of these, or choose others"
                )
        known[name] = set(rows)


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
    distinct = sum(len({row.tobytes() for row in part}) for part in parts)
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
    low, high = images.min(0), images.max(0)
    apart, least, most = int((high - low).max()), int(low.min()), int(high.max())
    if len(images) > 1 and apart < _ALIKE:
        notices.append(
            f"The {len(images):,} images are nearly identical: no pixel differs by more than {apart} of 255 between "
            "any two of them, so there is hardly anything to learn."
        )
    if most - least < _NARROW:
        notices.append(
            f"The images use only the values {least} to {most} of 0 to 255; scale them up first, or the model sees "
            "little contrast."
        )
    return notices

"""Train, validation and test: disjoint by content, drawn by a seed, and named by a hash."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from isthmus.errors import InputError
from isthmus.types import Dataset, ImageSet


@dataclass(frozen=True)
class Splits:
    """A dataset cut in three; no image of one part has an identical twin in another.

    source, class_names, notices: as in `Dataset`, with the split's own notices added.
    hash: of all three parts' pixels in their order, `sha256:...`.
    """

    train: ImageSet
    validation: ImageSet
    test: ImageSet
    source: str
    class_names: tuple[str, ...]
    notices: tuple[str, ...]
    hash: str


def split(
    dataset: Dataset, *, validation: float = 0.1, test: float = 0.1, seed: int = 0, limit: int | None = None
) -> Splits:
    """Cut a dataset in three by the images' content.

    The images whose hash under the seed is lowest are held out, so an image's part depends on no
    order, and identical images always fall on the same side.

    validation: the fraction of the dataset's training images that is carved for validation.
    test: likewise for test, where the dataset has no test images of its own.
    limit: keep this many training images, drawn by the seed after carving.
    Raises InputError where a part would be empty and where a test image is among the training images.
    """
    for option, fraction in (("validation", validation), ("test", test)):
        if not 0 < fraction < 1:
            raise InputError(f"split.{option}: {fraction} must lie between 0 and 1")
    hashes = content_hashes(dataset.train.images)
    rest = np.arange(len(hashes))
    if dataset.test is None:
        held = _lowest(_rank(hashes, "test", seed), round(test * len(hashes)))
        test_set, test_hashes, rest = dataset.train.take(rest[held]), hashes[held], rest[~held]
    else:
        test_set, test_hashes = dataset.test, content_hashes(dataset.test.images)
        if dataset.train.images.shape[1:] != dataset.test.images.shape[1:]:
            raise InputError(
                f"data: training images of shape {dataset.train.images.shape[1:]} and test images of shape "
                f"{dataset.test.images.shape[1:]} do not go together; give both one size"
            )
        _refuse_leak(hashes, test_hashes, dataset.source)
    held = _lowest(_rank(hashes[rest], "validation", seed), round(validation * len(hashes)))
    held_rest, rest = rest[held], rest[~held]
    for part, size in (("training", len(rest)), ("validation", len(held_rest)), ("test", len(test_set))):
        if not size:
            raise InputError(
                f"data: no {part} images are left of {len(hashes)} in {dataset.source}; "
                "use more images or other fractions in split.validation and split.test"
            )
    notices = dataset.notices
    if limit is not None:
        if limit < 1:
            raise InputError(f"split.limit: {limit} must be at least 1")
        if limit > len(rest):
            notices = (*notices, f"split.limit={limit} has no effect on {len(rest)} training images.")
        order = np.argsort(_rank(hashes[rest], "limit", seed), kind="stable")
        rest = rest[np.sort(order[:limit])]
    return Splits(
        train=dataset.train.take(rest),
        validation=dataset.train.take(held_rest),
        test=test_set,
        source=dataset.source,
        class_names=dataset.class_names,
        notices=notices,
        hash=data_hash(hashes[rest], hashes[held_rest], test_hashes),
    )


def content_hashes(images: np.ndarray) -> np.ndarray:
    """(N, 3, H, W) uint8 -> (N, 16) uint8: a BLAKE2b digest of each image's shape and pixels."""
    return _digests(images, f"image {images.shape[1:]}")


def data_hash(*hashes: np.ndarray) -> str:
    """One name for sets of images, given the content hashes (N, 16) of each in order: `sha256:...`."""
    whole = hashlib.sha256()
    for part in hashes:
        whole.update(f"{len(part)} images\n".encode())
        whole.update(part.tobytes())
    return f"sha256:{whole.hexdigest()}"


def _rank(hashes: np.ndarray, purpose: str, seed: int) -> np.ndarray:
    """(N, 16) -> (N,) uint64: a random number each, a function of hash, purpose and seed alone."""
    # little-endian by name, so that every machine holds out the same images
    return _digests(hashes, f"{purpose} {seed}").view("<u8")[:, 0]


def _digests(rows: np.ndarray, label: str) -> np.ndarray:
    """(N, ...) -> (N, 16) uint8; `label` keeps digests made for different ends apart."""
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


def _refuse_leak(train_hashes: np.ndarray, test_hashes: np.ndarray, source: str) -> None:
    """Raise InputError where a test image is identical to a training image."""
    known = {row.tobytes() for row in train_hashes}
    leaked = [index for index, row in enumerate(test_hashes) if row.tobytes() in known]
    if leaked:
        first = ", ".join(map(str, leaked[:5])) + (", ..." if len(leaked) > 5 else "")
        raise InputError(
            f"data: {len(leaked)} of {len(test_hashes)} test images are also training images in {source} "
            f"(test images {first}, counted from 0); remove them from either, or choose other test images"
        )

"""No image is on two sides, and the sides are a matter of content and seed alone."""

import os
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from isthmus.core.errors import InputError
from isthmus.core.image_changes import Change
from isthmus.core.values import Dataset, ImageSet
from isthmus.data.content_hashes import content_hashes, data_hash
from isthmus.data.splits import split


def images(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 3, 4, 4), dtype=np.uint8)


def dataset(count: int = 200, test: int = 0) -> Dataset:
    pixels = images(count + test)
    labels = np.arange(count + test)
    tests = ImageSet(pixels[count:], labels[count:]) if test else None
    return Dataset(ImageSet(pixels[:count], labels[:count]), tests, "made here", ("a",), ("noticed",))


def members(part: ImageSet) -> set[bytes]:
    return {image.tobytes() for image in part.images}


def test_parts_are_disjoint_complete_and_of_the_asked_size() -> None:
    data = dataset(200)
    parts = split(data, validation=0.1, test=0.25)
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [130, 20, 50]
    sides = [members(part) for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 200


def test_given_test_images_stay_and_no_other_becomes_one() -> None:
    data = dataset(200, test=30)
    parts = split(data)
    assert data.test is not None and np.array_equal(parts.test.images, data.test.images)
    assert (len(parts.train), len(parts.validation)) == (180, 20)


def test_labels_follow_their_images_and_order_is_kept() -> None:
    data = dataset(200)
    parts = split(data, limit=50)
    for part in (parts.train, parts.validation, parts.test):
        assert part.labels is not None
        assert np.array_equal(data.train.images[part.labels], part.images)
        assert (np.diff(part.labels) > 0).all()


def test_membership_does_not_depend_on_order() -> None:
    data = dataset(200)
    shuffled = Dataset(data.train.take(np.random.default_rng(1).permutation(200)), None, "shuffled")
    one, other = split(data, seed=3), split(shuffled, seed=3)
    for part in ("train", "validation", "test"):
        assert members(getattr(one, part)) == members(getattr(other, part))


def test_seed_decides_and_repeats() -> None:
    data = dataset(200)
    assert split(data, seed=1).hash == split(data, seed=1).hash
    assert split(data, seed=1).hash != split(data, seed=2).hash
    assert members(split(data, seed=1).validation) != members(split(data, seed=2).validation)


def test_validation_is_not_chosen_like_test() -> None:
    """One draw for both would make carving test images shift the validation images in step."""
    data = dataset(400)
    carved = members(split(data, test=0.5).test)
    held = members(split(Dataset(data.train, ImageSet(images(5, 9)), ""), validation=0.5).validation)
    assert 60 < len(carved & held) < 140  # 100 expected of unrelated draws, 200 of one


def test_identical_images_fall_on_the_same_side() -> None:
    pixels = images(60)
    doubled = Dataset(ImageSet(np.concatenate([pixels, pixels[::-1]])), None, "doubled")
    parts = split(doubled, validation=0.2, test=0.2)
    sides = [members(part) for part in (parts.train, parts.validation, parts.test)]
    assert sum(map(len, sides)) == 60 == len(set.union(*sides))
    assert [len(part) for part in (parts.train, parts.validation, parts.test)] == [72, 24, 24]


def test_limit_keeps_a_seeded_subset_of_training_images_only() -> None:
    data = dataset(200)
    whole, some, fewer = split(data), split(data, limit=40), split(data, limit=10)
    assert (len(some.train), len(fewer.train)) == (40, 10)
    assert members(fewer.train) < members(some.train) < members(whole.train)
    assert members(some.validation) == members(whole.validation) and members(some.test) == members(whole.test)
    assert members(split(data, limit=40, seed=1).train) != members(some.train)


def test_limit_without_effect_is_noticed() -> None:
    assert split(dataset(200)).notices == ("noticed",)
    assert split(dataset(200), limit=500).notices == (
        "noticed",
        "split.limit=500 has no effect on 160 training images.",
    )


def test_test_images_found_in_training_are_refused() -> None:
    data = dataset(100, test=20)
    assert data.test is not None
    leaked = data.test.images.copy()
    leaked[[3, 7]] = data.train.images[[50, 2]]
    with pytest.raises(InputError, match=r"2 of 20 test images .*\(test images 3, 7, counted") as caught:
        split(Dataset(data.train, ImageSet(leaked), "here"))
    assert "remove them" in str(caught.value)
    with pytest.raises(InputError, match=r"100 of 100 .* 0, 1, 2, 3, 4, \.\.\."):
        split(Dataset(data.train, data.train, "here"))


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (dataset(4), {}, "only 4 images, too few to train, validate and test on; use 5 or more, or other frac"),
        (dataset(30), {"test": 0.01}, "no test images are left of 30"),
        (dataset(10), {"validation": 0.5, "test": 0.5}, "no training images"),
        (Dataset(ImageSet(images(0)), None, "nothing"), {}, "nothing: only 0 images, too few"),
        (Dataset(ImageSet(images(50)), ImageSet(images(0)), "x"), {}, "no test images"),
        (dataset(50), {"validation": 0.0}, "split.validation: 0.0 must lie"),
        (dataset(50), {"test": 1.0}, "split.test: 1.0 must lie"),
        (dataset(50), {"limit": 0}, "split.limit: 0 must be"),
        (
            Dataset(ImageSet(images(50)), ImageSet(np.zeros((2, 3, 5, 5), np.uint8)), "x"),
            {},
            "do not go together",
        ),
    ],
)
def test_splits_that_cannot_be_are_refused(data: Dataset, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        split(data, **options)  # type: ignore[arg-type]


def test_images_that_are_all_one_are_said_to_be() -> None:
    same = np.full((50, 3, 8, 8), 3, np.uint8)
    with pytest.raises(InputError, match="all 50 images of here are identical"):
        split(Dataset(ImageSet(same), None, "here"))
    reduced = Change(what="to_8_bits", images=50, of=50, sentence="Reduced to 8 bits: data.range=[0, 9] helps.")
    with pytest.raises(InputError, match=r"if their files differ, correct this: Reduced .* helps$"):
        split(Dataset(ImageSet(same), None, "here", handling=(reduced,)))
    same[::2] = 200  # all of one kind fall into one part
    with pytest.raises(InputError, match=r"of which only 2 differ \(identical ones stay in one part"):
        split(Dataset(ImageSet(same), None, "here"))


def test_images_that_are_nearly_one_or_dark_are_noticed() -> None:
    near = np.random.default_rng(0).integers(100, 104, (50, 3, 8, 8), dtype=np.uint8)
    notices = " ".join(split(Dataset(ImageSet(near), None, "here")).notices)
    assert "50 images are nearly identical: no pixel differs by more than 3 of 255" in notices
    assert "use only the values 100 to 103 of 0 to 255" in notices
    assert not split(Dataset(ImageSet(images(200)), None, "here")).notices


def test_a_fraction_beside_images_of_its_own_is_said_to_have_no_effect() -> None:
    own = dataset(200, test=20)
    usual, set_by_hand = split(own), split(own, test=0.3)
    assert set_by_hand.hash == usual.hash
    assert not [sentence for sentence in usual.notices if "split.test" in sentence]
    assert "split.test=0.3 has no effect: the data set has test images of its own; leave it out." in set_by_hand.notices
    carved = split(dataset(200), test=0.3, validation=0.2)
    assert not [sentence for sentence in carved.notices if "no effect" in sentence]
    given = replace(own, validation=dataset(250).train.take(np.arange(220, 230)))
    assert any("split.validation=0.2 has no effect" in sentence for sentence in split(given, validation=0.2).notices)


def test_copies_are_counted_in_all_sets_and_stay_in_one_part() -> None:
    """Of files too, where reading makes two the same; nothing is said where there are none."""
    data = dataset(20, test=5)
    assert data.test is not None and not any("copies" in said for said in split(data).notices)
    doubled = replace(data, train=data.train.take(np.r_[0:20, [3] * 9]), test=data.test.take(np.r_[0:5, 0]))
    parts = split(doubled)
    (said,) = [one for one in parts.notices if "copies" in one]
    assert said.startswith("Only 25 of the 35 images differ: 10 are copies, pixel for pixel, of others.")
    assert not members(parts.train) & members(parts.validation)


def test_given_validation_images_stay_and_are_nobody_elses() -> None:
    data, own = dataset(100, test=20), ImageSet(images(15, seed=9))
    given = split(replace(data, validation=own))
    assert np.array_equal(given.validation.images, own.images) and len(given.train) == 100
    assert data.test is not None
    for part, other in ((data.train, "training"), (data.test, "validation")):
        leaky = ImageSet(part.images[:4].copy())
        with pytest.raises(InputError, match=f"4 of .* also {other} images"):
            split(replace(data, validation=leaky))


@pytest.mark.parametrize("count", [5, 6, 10, 14, 20])
def test_few_images_are_divided_so_that_they_can_be_judged(count: int) -> None:
    splits = split(Dataset(ImageSet(images(count)), None, "here"))
    assert len(splits.test) == 2 and len(splits.validation) in (1, 2) and len(splits.train) >= 2
    assert "Only 2 images are held out for test" in splits.notices[0]


def test_hashes_tell_content_and_shape_apart() -> None:
    pixels = images(10)
    hashes = content_hashes(pixels)
    assert hashes.shape == (10, 16) and len({row.tobytes() for row in hashes}) == 10
    assert np.array_equal(content_hashes(pixels[:, :, ::-1][:, :, ::-1]), hashes)
    assert not np.array_equal(content_hashes(pixels.reshape(10, 3, 2, 8)), hashes)


def test_data_hash_covers_order_and_cut() -> None:
    hashes = content_hashes(images(10))
    names = {
        data_hash(hashes),
        data_hash(hashes[::-1]),
        data_hash(hashes[:4], hashes[4:]),
        data_hash(hashes[:9]),
    }
    assert len(names) == 4 and all(name.startswith("sha256:") for name in names)


def test_hashes_are_the_same_on_every_machine_and_day() -> None:
    """Were this to change, every recorded data hash and every split would change with it."""
    pixels = np.arange(3 * 4 * 4, dtype=np.uint8).reshape(1, 3, 4, 4)
    assert content_hashes(pixels)[0].tobytes().hex() == "f1ed151d794db08fc482ea6b1eb0959e"
    pixels = (np.arange(50 * 48) ** 2 % 251).astype(np.uint8).reshape(50, 3, 4, 4)
    assert split(Dataset(ImageSet(pixels), None, "")).hash == (
        "sha256:574ad2719692d91d7a867b01ab0706e6337a5cf12d6382597b3523f3f53cf3dc"
    )


def test_cifar_size_takes_under_two_seconds() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60_000, 3, 32, 32), dtype=np.uint8)
    start = time.process_time()
    split(Dataset(ImageSet(pixels[:50_000]), ImageSet(pixels[50_000:]), ""))
    assert time.process_time() - start < 2


def test_data_is_read_without_waiting_for_torch() -> None:
    code = (
        "import sys, isthmus.data.images, isthmus.data.splits, isthmus.data.datasets.cifar10, "
        "isthmus.data.datasets.folder, isthmus.data.datasets.parquet; sys.exit('torch' in sys.modules)"
    )
    path = os.pathsep.join(sys.path)
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 0

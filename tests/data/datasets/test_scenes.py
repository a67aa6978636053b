"""The built-in data set: the same bytes always, drawn well, explained by its factors."""

import hashlib
import pickle

import numpy as np
import pytest

from isthmus.core.errors import InputError
from isthmus.data.datasets._scene_colours import colour
from isthmus.data.datasets._scene_factors import FACTORS, SHAPES, draw
from isthmus.data.datasets._scene_shapes import OUTLINES
from isthmus.data.datasets.scenes import Scenes

SCENE = {
    "shape": SHAPES.index("heart"),
    "hue": 0.1,
    "x": 0.45,
    "y": 0.52,
    "size": 0.3,
    "rotation": 0.4,
    "background": 0.6,
    "background_angle": 1.0,
}


def hashes(images: np.ndarray) -> list[str]:
    return [hashlib.sha256(image.tobytes()).hexdigest() for image in images]


def linear(images: np.ndarray) -> np.ndarray:
    """8-bit sRGB -> linear light in [0, 1]."""
    x = images / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear-light sRGB (..., 3) -> OKLab, by the published inverse of the code's matrices."""
    to_lms = [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
    to_lab = [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
    return np.cbrt(rgb @ np.transpose(to_lms)) @ np.transpose(to_lab)


def discs_and_grounds(images: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean OKLab (N, 3) within centred discs, and of the ring of background right around them."""
    size = images.shape[-1]
    grid = (np.arange(size) + 0.5) / size - 0.5
    gone = np.hypot(grid[None, :], grid[:, None])
    lab = oklab(linear(images).transpose(0, 2, 3, 1))
    around = (gone > radius + 1.5 / size) & (gone < radius + 4 / size)
    return lab[:, gone < radius - 1.5 / size].mean(axis=1), lab[:, around].mean(axis=1)


# --- the same bytes


def test_the_first_images_are_what_they_always_were():
    """A changed picture changes every score on record: a new digest needs a note in the changelog."""
    data = Scenes(train=128, test=128).load()
    digest = hashlib.sha256(data.train.images.tobytes() + data.test.images.tobytes()).hexdigest()
    assert digest == "2c3fbb5eb1560d4bc41b1ce56315849243958ee1a9c6e95f93248a5d7da67680"


def test_a_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (Scenes(train=50, test=5, seed=seed).load().train for seed in (3, 3, 4))
    assert first.images.tobytes() == again.images.tobytes()
    assert not set(hashes(first.images)) & set(hashes(other.images))


@pytest.mark.parametrize("count", [1, 7, 63, 200])
def test_an_image_does_not_depend_on_how_many_are_asked_for(count):
    few, many = Scenes(train=count, test=count).load(), Scenes(train=300, test=250).load()
    for split in ("train", "test"):
        short, long = getattr(few, split), getattr(many, split)
        np.testing.assert_array_equal(short.images, long.images[:count])
        for name in FACTORS:
            np.testing.assert_array_equal(short.factors[name], long.factors[name][:count])


def test_all_images_differ_and_no_test_image_is_a_train_image():
    data = Scenes(train=3000, test=1000).load()
    assert len(set(hashes(data.train.images) + hashes(data.test.images))) == 4000


# --- what load returns


@pytest.mark.parametrize("size", [8, 31, 64])
def test_load_gives_images_labels_and_factors(size):
    data = Scenes(train=40, test=9, size=size).load()
    for split, count in ((data.train, 40), (data.test, 9)):
        assert split.images.shape == (count, 3, size, size) and split.images.dtype == np.uint8
        assert split.labels.shape == (count,) and split.labels.dtype == np.int64
        assert tuple(split.factors) == FACTORS
        for column in split.factors.values():
            assert column.shape == (count,) and column.dtype == np.float64
        np.testing.assert_array_equal(split.labels, split.factors["shape"])
    assert data.class_names == SHAPES
    assert "seed 0" in data.source


def test_factors_fill_their_documented_ranges_and_are_independent():
    factors = Scenes(train=4000, test=1, size=8).load().train.factors
    tau = 2 * np.pi
    for name, low, high in [
        ("hue", 0, 1),
        ("x", 0.33, 0.67),
        ("y", 0.33, 0.67),
        ("size", 0.2, 0.33),
        ("background", 0, 1),
        ("background_angle", 0, tau),
    ]:
        column, slack = factors[name], 0.01 * (high - low)
        assert low <= column.min() < low + slack and high - slack < column.max() < high, name
    quarter, third, fifth = tau / 4, tau / 3, tau / 5
    periods = {"disc": 0, "ring": 0, "square": quarter, "cross": quarter, "triangle": third, "star": fifth}
    for code, name in enumerate(SHAPES):
        rotation = factors["rotation"][factors["shape"] == code]
        assert len(rotation) > 400
        period = periods.get(name, tau)
        assert (rotation >= 0).all() and 0.97 * period <= rotation.max() <= period
    free = np.stack([factors[name] for name in FACTORS if name != "rotation"])
    assert np.abs(np.corrcoef(free) - np.eye(len(free))).max() < 0.07  # 4.4 standard errors


def test_draw_repeats_loaded_images_from_their_factors_in_any_order():
    train = Scenes(train=120, test=1, seed=5).load().train
    order = np.random.default_rng(0).permutation(120)
    factors = {name: column[order] for name, column in train.factors.items()}
    np.testing.assert_array_equal(draw(factors, 32), train.images[order])
    alone = {name: float(column[17]) for name, column in train.factors.items()}
    np.testing.assert_array_equal(draw(alone, 32), train.images[17:18])


# --- the picture


def test_outlines_are_signed_distances_within_the_unit_circle():
    """A distance function is zero on the outline and changes by one a unit everywhere, creases apart."""
    axis = np.linspace(-1.5, 1.5, 601, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    for name, outline in OUTLINES.items():
        distance = outline.distance(x, y)
        assert distance.dtype == np.float32, name
        reach = np.hypot(x, y)[distance <= 0].max()
        assert 0.9 < reach <= 1.001, name
        steepness = np.hypot(*np.gradient(distance, axis[1] - axis[0]))
        assert np.mean(np.abs(steepness - 1) < 0.02) > 0.97, name


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_are_antialiased(shape):
    """An image is close to what the same scene, drawn 8 times finer, averages to over each pixel."""
    scene = SCENE | {"shape": SHAPES.index(shape)}
    coarse, fine = linear(draw(scene, 32)), linear(draw(scene, 256))
    averaged = fine.reshape(1, 3, 32, 8, 32, 8).mean(axis=(3, 5))
    sampled = fine[:, :, 4::8, 4::8]
    error, aliased = np.abs(coarse - averaged).max(), np.abs(sampled - averaged).max()
    assert error < 0.5 * aliased
    assert np.abs(coarse - averaged).mean() < 0.004


def test_an_edge_moves_smoothly():
    """A twentieth of a pixel never makes a pixel jump from the background's colour to the shape's."""
    images = draw(SCENE | {"x": 0.45 + np.arange(60) / 20 / 32}, 32).astype(int)
    assert np.abs(np.diff(images, axis=0)).max() < 25
    assert np.abs(images[0] - images[-1]).max() > 80


@pytest.mark.parametrize("name", FACTORS)
def test_every_factor_changes_the_image(name):
    step = {"shape": 1, "background_angle": 0.5}.get(name, 0.1)
    before, after = draw(SCENE, 32).astype(int), draw(SCENE | {name: SCENE[name] - step}, 32)
    assert (np.abs(after - before).max(axis=1) > 3).mean() > 0.05


@pytest.mark.parametrize("shape", SHAPES)
def test_a_shape_repeats_after_its_period_and_not_before(shape):
    scene = SCENE | {"shape": SHAPES.index(shape), "rotation": 0.2}
    period = OUTLINES[shape].period
    turned = 0.2 + np.array([0, period, period / 2, 0.3])
    start, after_period, after_half, elsewhere = draw(scene | {"rotation": turned}, 32).astype(int)
    assert np.abs(after_period - start).max() <= 1
    if period:
        assert np.abs(after_half - start).max() > 20
    else:
        assert np.abs(elsewhere - start).max() <= 1


def test_the_hue_factor_is_the_shapes_hue_at_equal_lightness():
    hue = np.arange(48) / 48
    images = draw(SCENE | {"shape": 0, "x": 0.5, "y": 0.5, "hue": hue}, 32)
    lightness, a, b = discs_and_grounds(images, 0.3)[0].T
    off = (np.arctan2(b, a) / (2 * np.pi) - hue + 0.5) % 1 - 0.5
    assert np.abs(off).max() < 0.03
    assert np.ptp(lightness) < 0.03


def test_a_shape_stands_out_even_on_its_own_hue():
    hue, angle = (axis.ravel() for axis in np.meshgrid(np.arange(24) / 24, np.arange(8) * np.pi / 4))
    disc = SCENE | {"shape": 0, "x": 0.5, "y": 0.5, "hue": hue, "background": hue, "background_angle": angle}
    inside, around = discs_and_grounds(draw(disc, 32), 0.3)
    assert np.linalg.norm(inside - around, axis=1).min() > 0.1


@pytest.mark.parametrize("lightness", [0.61, 0.86])
def test_colours_keep_lightness_and_hue_within_srgb(lightness):
    hue = np.linspace(0, 1, 5000)
    rgb = colour(lightness, 0.5, hue)
    assert rgb.min() >= 0 and rgb.max() <= 1
    got, a, b = oklab(rgb).T
    np.testing.assert_allclose(got, lightness, atol=1e-6)
    off = np.arctan2(b, a) / (2 * np.pi) - hue
    np.testing.assert_allclose((off + 0.5) % 1 - 0.5, 0, atol=1e-5)


# --- what a user gets wrong


@pytest.mark.parametrize(
    ("option", "value"),
    [("train", 0), ("train", -3), ("test", 0), ("size", 7), ("size", -32), ("seed", -1), ("seed", 2**64)],
)
def test_wrong_options_are_named(option, value):
    with pytest.raises(InputError, match=rf"data\.{option}: {value} .*give"):
        Scenes(**{option: value})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": 8}, r"factors\.shape: 8 cannot be drawn; give one of 0 to 7"),
        ({"shape": 0.5}, r"factors\.shape: 0\.5"),
        ({"size": [0.2, 0.0]}, r"factors\.size: 0 cannot be drawn"),
        ({"x": np.nan}, r"factors\.x: nan"),
        ({"hue": "red"}, r"factors\.hue: 'red' is not a number"),
        ({"hue": [[0.1]]}, r"factors\.hue: shape \(1, 1\)"),
        ({"hue": [0.1, 0.2], "x": [0.4, 0.5, 0.6]}, r"lengths \[2, 3\] do not fit"),
        ({"colour": 0.1}, r"factors\.colour: is unknown"),
    ],
)
def test_wrong_factors_are_named(change, said):
    with pytest.raises(InputError, match=said):
        draw(SCENE | change, 32)


def test_a_missing_factor_and_a_tiny_size_are_named():
    with pytest.raises(InputError, match=r"factors\.hue: is missing"):
        draw({name: value for name, value in SCENE.items() if name != "hue"}, 32)
    with pytest.raises(InputError, match="size: 7 is too small"):
        draw(SCENE, 7)


def test_scenes_are_drawn_by_blocks_as_they_are_all_at_once() -> None:
    """Pictures, factors and labels are those of `load()`, whichever part is asked for, in other processes too."""
    source = Scenes(train=600, test=5, size=8, seed=3)
    data, found = source.load(), source.pictures()
    assert data.test is not None
    for name, images in (("train", data.train), ("test", data.test)):
        part = pickle.loads(pickle.dumps(found.parts[name]))
        chunks = list(part.chunks())
        drawn = np.stack([picture for start, stop in chunks for picture in part.read(start, stop)])
        assert np.array_equal(drawn, images.images)
        assert images.factors is not None and found.parts[name].factors is not None
        assert all(np.array_equal(found.parts[name].factors[key], images.factors[key]) for key in images.factors)
        assert np.array_equal(found.parts[name].labels, images.labels)
    assert np.array_equal(np.stack(list(found.parts["train"].read(401, 403))), data.train.images[401:403])
    assert (found.source, found.class_names) == (data.source, data.class_names)
    assert len(pickle.dumps(found.parts["train"])) < 1000

"""Paints scenes: a lit shape and its shadow on a graded background, blended in linear light.

factors --distance--> coverage, shadow, light --mix with colours--> linear RGB --encode--> uint8
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from isthmus.core.memory_limit import check_room
from isthmus.data.datasets._scene_colours import Floats, colour, encode
from isthmus.data.datasets._scene_shapes import OUTLINES, Outline, Plane

_PIXELS_AT_ONCE = 1 << 16  # a few float32 planes of this many pixels stay in a core's cache
_EDGE_PIXELS = 1.3  # width of an outline's soft edge
_SHADOW_RIGHT, _SHADOW_DOWN, _SHADOW_BLUR = 0.035, 0.05, 0.14  # in sides of the image
_SHADOW_DEPTH = 0.45
_BEVEL = 0.09  # width of the bevel, in sides of the image


def check_memory(count: int, size: int, *, held: int) -> None:
    """Raise RunError where there is not enough memory for `count` scenes, of which `held` are painted at once."""
    # eight float64 factors can take more than a small image's pixels; painting takes about thirty planes of one image
    needed = count * 8 * 8 * 3 + held * 3 * size**2 + 120 * size**2
    check_room(needed, "data.train, data.test and data.size: the scenes", "make them smaller")


def paint(factors: Mapping[str, Floats], size: int) -> NDArray[np.uint8]:
    """Factor name -> (N,), all factors of `Scenes` in their units -> images (N, 3, size, size)."""
    shapes = factors["shape"].astype(np.int64)
    images = np.empty((len(shapes), 3, size, size), np.uint8)
    step = max(1, _PIXELS_AT_ONCE // size**2)
    for code, outline in enumerate(OUTLINES.values()):
        index = np.flatnonzero(shapes == code)
        for start in range(0, len(index), step):
            block = index[start : start + step]
            images[block] = _paint_block(outline, {name: f[block] for name, f in factors.items()}, size)
    return images


def _paint_block(outline: Outline, factors: Mapping[str, Floats], size: int) -> NDArray[np.uint8]:
    """Images that share one outline."""
    f = {name: column[:, None, None] for name, column in factors.items()}
    centres = (np.arange(size) + 0.5) / size
    across, down = centres[None, None, :], centres[None, :, None]
    right, up = across - f["x"], f["y"] - down

    here = _distance(outline, right, up, f)
    there = _distance(outline, right - _SHADOW_RIGHT, up + _SHADOW_DOWN, f)
    covered = _smooth_step(0.5 - here * (size / _EDGE_PIXELS))
    shade = 1 - _SHADOW_DEPTH * _smooth_step(0.5 - there / _SHADOW_BLUR)

    # Light from the upper left: a slope over the whole shape, and a bevel where its rim faces the light.
    # `there - here` is the slope of the distance towards the light: how much the outline faces it.
    facing = (there - here) * (0.3 / math.hypot(_SHADOW_RIGHT, _SHADOW_DOWN))
    slope = _add(0.5 - 0.2 * right / f["size"], 0.28 * up / f["size"])
    light = np.clip(slope + facing * _smooth_step(1 + here / _BEVEL), 0, 1)

    run, rise = np.cos(f["background_angle"]), np.sin(f["background_angle"])
    to_corner = np.abs(run) + np.abs(rise)  # so that every direction spans both colours
    ramp = _add(0.5 + (across - 0.5) * run / to_corner, (0.5 - down) * rise / to_corner)

    # The ground is lighter than the shape at every hue, so the shape is visible even when both have the same hue.
    hue, background = factors["hue"], factors["background"]
    dark, bright = colour(0.61, 0.18, hue - 0.02), colour(0.82, 0.16, hue + 0.02)
    near, far = colour(0.96, 0.03, background - 0.07), colour(0.86, 0.09, background + 0.07)
    image = np.empty((len(hue), 3, size, size), np.uint8)
    for channel in range(3):
        ground = _mix(near[:, channel], far[:, channel], ramp) * shade
        body = _mix(dark[:, channel], bright[:, channel], light)
        image[:, channel] = encode(np.clip(ground + covered * (body - ground), 0, 1))
    return image


def _distance(outline: Outline, right: Floats, up: Floats, f: Mapping[str, Floats]) -> Plane:
    """Distance to the outline from pixels `right` (N, 1, W) and `up` (N, H, 1) of the centre, in sides, (N, H, W)."""
    cos, sin = np.cos(f["rotation"]) / f["size"], np.sin(f["rotation"]) / f["size"]
    in_radii = outline.distance(_add(right * cos, up * sin), _add(-right * sin, up * cos))
    return in_radii * f["size"].astype(np.float32)


def _add(row: Floats, column: Floats) -> Plane:
    # float32 from here on, where values become planes of pixels: half the memory to move
    return row.astype(np.float32) + column.astype(np.float32)


def _mix(start: Floats, end: Floats, t: Plane) -> Plane:
    """start, end (N,), t (N, H, W) -> (N, H, W)."""
    first, change = (a[:, None, None].astype(np.float32) for a in (start, end - start))
    return first + change * t


def _smooth_step(t: Plane) -> Plane:
    """0 below 0, 1 above 1, a cubic between."""
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)

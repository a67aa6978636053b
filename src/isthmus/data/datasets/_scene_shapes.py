"""Signed distances to the outlines that the `scenes` data set draws.

Every function maps x, y (float32, equal shapes) to the distance from the outline, negative inside. The origin
is the shape's centre, y points up, and the circle of radius 1 encloses the shape. Distances are exact, except
inside the cross, where they are a bound.

Method: distance functions by symmetry folding, https://iquilezles.org/articles/distfunctions2d/. Only
correctly rounded operations are used (no arctangent, no power), so that all processors give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.floating]  # float32; numpy's stubs take float32 times a Python float for float64


def disc(x: Plane, y: Plane) -> Plane:
    return _length(x, y) - 1


def ring(x: Plane, y: Plane) -> Plane:
    return np.abs(_length(x, y) - 0.74) - 0.26


def square(x: Plane, y: Plane) -> Plane:
    half, rounding = math.sqrt(0.5) - 0.04, 0.1
    return _box(np.abs(x) - (half - rounding), np.abs(y) - (half - rounding)) - rounding


def triangle(x: Plane, y: Plane) -> Plane:
    return _star(x, y, points=3, notch=0.5, rounding=0.1)  # cos(pi / 3): the notch lies on the edge


def star(x: Plane, y: Plane) -> Plane:
    return _star(x, y, points=5, notch=0.5, rounding=0.07)


def cross(x: Plane, y: Plane) -> Plane:
    x, y = np.abs(x), np.abs(y)
    rounding = 0.08
    return _box(np.maximum(x, y) - (0.92 - rounding), np.minimum(x, y) - (0.33 - rounding)) - rounding


def heart(x: Plane, y: Plane) -> Plane:
    """A square on its corner with a half disc on each of its two upper edges.

    u, v run along the square's edges where x >= 0: the lower edge is v = 0, the half disc lies beyond u = 1.
    """
    edge = 1.1213  # places the tip and both lobes on the unit circle
    x, y = np.abs(x), y + 1
    u, v = (x + y) * (math.sqrt(0.5) / edge), (y - x) * (math.sqrt(0.5) / edge)
    radius = _length(u - 1, v - 0.5)
    to_lobe = np.where(
        u < 1, _length(u - 1, v - 1), np.abs(radius - 0.5)
    )  # from u < 1, the nearest point is the arc's end
    nearest = np.minimum(_length(u - np.clip(u, 0, 1), v), to_lobe) * edge
    return np.where((v > 0) & ((u < 1) | (radius < 0.5)), -nearest, nearest)


def moon(x: Plane, y: Plane) -> Plane:
    """The unit disc less a disc of radius `cut` about (`off`, 0); its arcs meet in two tips."""
    off, cut = 0.5, 0.74
    tip_x = (1 + off**2 - cut**2) / (2 * off)
    tip_y = math.sqrt(1 - tip_x**2)
    outer, inner = _length(x, y), _length(x - off, y)
    nearest = _length(x - tip_x, np.abs(y) - tip_y)
    # an arc counts only where the point's projection on its circle falls on the arc
    to_outer = np.where(x <= tip_x * outer, np.abs(outer - 1), nearest)
    to_inner = np.where(x - off <= (tip_x - off) / cut * inner, np.abs(inner - cut), nearest)
    nearest = np.minimum(nearest, np.minimum(to_outer, to_inner))
    return np.where((outer < 1) & (inner > cut), -nearest, nearest)


@dataclass(frozen=True)
class Outline:
    """A shape's distance function, and the smallest rotation, in radians, that leaves the shape the same."""

    distance: Callable[[Plane, Plane], Plane]
    period: float


OUTLINES = {
    "disc": Outline(disc, 0.0),
    "ring": Outline(ring, 0.0),
    "square": Outline(square, math.tau / 4),
    "triangle": Outline(triangle, math.tau / 3),
    "star": Outline(star, math.tau / 5),
    "cross": Outline(cross, math.tau / 4),
    "heart": Outline(heart, math.tau),
    "moon": Outline(moon, math.tau),
}


def _length(x: Plane, y: Plane) -> Plane:
    return np.sqrt(x * x + y * y)


def _box(x: Plane, y: Plane) -> Plane:
    """x, y: how far the folded point lies beyond the box's right and upper side."""
    return _length(np.maximum(x, 0), np.maximum(y, 0)) + np.minimum(np.maximum(x, y), 0)


def _star(x: Plane, y: Plane, *, points: int, notch: float, rounding: float) -> Plane:
    """A star with one tip up; `notch` is the radius of its inner corners, `rounding` that of its tips."""
    half = math.pi / points  # the fundamental wedge: between a tip, on the y axis, and the next notch
    across, along = math.cos(half), math.sin(half)
    for turn in range(points):  # the point's wedge is at most `points` mirrors away
        if turn % 2 == 0:
            x = np.abs(x)
        else:
            beyond = 2 * np.minimum(along * y - across * x, 0)
            x, y = x + across * beyond, y - along * beyond
    tip = 1 - rounding
    edge_x, edge_y = tip * notch * along, tip * (notch * across - 1)
    y = y - tip
    nearest = np.clip((x * edge_x + y * edge_y) / (edge_x**2 + edge_y**2), 0, 1)
    gap = _length(x - nearest * edge_x, y - nearest * edge_y)
    return np.copysign(gap, edge_x * y - edge_y * x) - rounding

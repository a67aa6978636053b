"""Results show themselves in one line: a notebook would fill pages with the names of 10,000 pictures."""

from __future__ import annotations

import numpy as np

from isthmus.inference.encode import AboutLatents
from isthmus.inference.latents import Latents
from isthmus.inference.similar import Search

ABOUT = AboutLatents(run="runs/one", weights="sha256:0", latent_shape=(4,), codes=0)


def test_latents_show_how_many_and_of_which_run() -> None:
    names = tuple(f"{number}.png" for number in range(3000))
    z, error = np.zeros((3000, 4), np.float32), np.zeros(3000)
    latents = Latents(names, (None,) * 3000, ("0",) * 3000, z, None, error, ABOUT)
    assert repr(latents) == "Latents(3,000 pictures, z (3000, 4), of runs/one)"


def test_a_search_shows_how_many_and_by_what() -> None:
    found = Search(ABOUT, "cosine", True, 500, (), None, (), (3, 8, 8), 8)
    assert repr(found) == "Search(0 queries among 500 pictures, cosine, whitened)"

"""Pictures that look alike to a trained model: nearest neighbours in its latent.

queries --encode--> z        source --encode--> latents, or a table of them        z, latents --> nearest
"""

from __future__ import annotations

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.inference.encode import AboutLatents, about_latents
from isthmus.inference.gallery import FileGallery, Gallery, encoded_gallery
from isthmus.inference.key_comparison import compare_keys
from isthmus.inference.latents_table import LatentsTable, read_about
from isthmus.inference.named_images import NamedImages
from isthmus.inference.nearest import Distance, Nearest, Whitening, fit_whitening
from isthmus.inference.picture_sources import Label, Source
from isthmus.inference.queries import Queries, read_queries
from isthmus.inference.search_key import SearchKey
from isthmus.models.autoencoder import Autoencoder
from isthmus.runs.load import load_model

MOST = 1000  # neighbours of a query


@dataclass(frozen=True)
class Neighbour:
    """A picture near a query. row: its place among all that were searched. same_pixels: whether it equals the query."""

    name: str
    label: Label
    distance: float
    row: int
    same_pixels: bool


@dataclass(frozen=True)
class Neighbours:
    """A query and the pictures nearest to it, the nearest first; the query itself is left out."""

    query: str
    found: tuple[Neighbour, ...]


@contextmanager
def gallery_of(
    model: Autoencoder, about: AboutLatents, sources: Sequence[Source], *, skip_broken: bool, quiet: bool
) -> Generator[Gallery]:
    """What is searched: pictures, which are encoded, or a table of latents that `isthmus encode` wrote with this run.

    Raises InputError for a table of another run, and as `NamedImages`.
    """
    tables = [Path(one) for one in sources if isinstance(one, str | Path) and read_about(Path(one)) is not None]
    if not tables:
        with encoded_gallery(model, NamedImages(sources, model.form, skip_broken=skip_broken, quiet=quiet)) as gallery:
            yield gallery
        return
    if len(sources) > 1:
        raise InputError(f"{tables[0]}: is a table of latents, which is searched alone; give one --in")
    file = LatentsTable(tables[0])
    if file.about.weights != about.weights:
        other = file.about.run != about.run
        whose = f"of {file.about.run}" if other else f"of other weights than {about.run} has now"
        raise InputError(
            f"{tables[0]}: holds latents {whose}, and those of two models cannot be compared; make a table with "
            f"`isthmus encode {about.run} SOURCE -o FILE.parquet`"
        )
    yield FileGallery(file, model.form)


def nearest_to(
    queries: Queries, gallery: Gallery, count: int, distance: Distance, whitening: Whitening | None
) -> tuple[Neighbours, ...]:
    """The `count` nearest pictures of each query, by exact search over all latents, block by block."""

    def prepared(z: np.ndarray) -> np.ndarray:
        return z if whitening is None else whitening(z)

    itself = _rows_of_queries(queries, gallery)
    search = Nearest(prepared(queries.z), count + max(map(len, itself)), distance)
    for block in gallery.latents():
        search.add(prepared(block))
    return tuple(_neighbours(queries, gallery, search, place, count, itself[place]) for place in range(len(itself)))


def _rows_of_queries(queries: Queries, gallery: Gallery) -> list[set[int]]:
    """For each query the rows that are the query itself: several, where its source was named several times."""
    asked: dict[tuple[str, str], list[int]] = {}
    for place, (name, digest) in enumerate(zip(queries.names, queries.sha256, strict=True)):
        asked.setdefault((digest, os.path.realpath(name)), []).append(place)
    digests, rows = set(queries.sha256), [set[int]() for _ in queries.names]
    for row, digest in enumerate(gallery.sha256):
        if digest in digests:  # else its path need not be looked at
            for place in asked.get((digest, os.path.realpath(gallery.names[row])), ()):
                rows[place].add(row)
    return rows


def _neighbours(
    queries: Queries, gallery: Gallery, search: Nearest, place: int, count: int, itself: set[int]
) -> Neighbours:
    digest = queries.sha256[place]
    found: list[Neighbour] = []
    for row, distance in zip(search.rows[place].tolist(), search.distances[place].tolist(), strict=True):
        same = gallery.sha256[row] == digest
        if row in itself:
            continue  # a picture is no answer to itself
        # equal pixels have equal latents: the rest is the rounding of batches of another size
        found.append(Neighbour(gallery.names[row], gallery.labels[row], 0.0 if same else distance, row, same))
    return Neighbours(queries.names[place], tuple(found[:count]))


@dataclass(frozen=True)
class Search:
    """A search that was done.

    queries: each with its neighbours. searched: how many pictures. key: how the latent does as a search key, where
    labels are known. pictures, query_pictures: name -> (C, H, W), as many as were asked for. image_shape, depth: of the
    model. notices: sentences for the user.
    """

    about: AboutLatents
    distance: Distance
    whitened: bool
    searched: int
    queries: tuple[Neighbours, ...]
    key: SearchKey | None
    notices: tuple[str, ...]
    image_shape: tuple[int, int, int]
    depth: int
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)
    query_pictures: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __repr__(self) -> str:
        """In one line, whatever the number of pictures: notebooks show it."""
        asked, whitened = counted(len(self.queries), "query", "queries"), ", whitened" if self.whitened else ""
        return f"Search({asked} among {counted(self.searched, 'picture')}, {self.distance}{whitened})"

    def key_lines(self) -> list[str]:
        """Precision at 10 in words, a line for each key and each comparison."""
        if self.key is None:
            return []
        key = self.key
        how = f"{self.distance} distance{', whitened' if self.whitened else ''}"
        looked = f"{counted(key.queries, 'query', 'queries')} among {key.among:,} pictures"
        lines = [
            f"As a search key, {how}: share of the 10 nearest with the query's label, {looked}; by chance "
            f"{100 * key.chance:.1f} %."
        ]
        for name, one in key.precision.items():
            mean, low, high = (100 * value for value in (one.mean, one.low, one.high))
            lines.append(f"  {name}: {mean:.1f} % (95 % interval {low:.1f} to {high:.1f})")
        return [*lines, *key.sentences]

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        key = None
        if self.key is not None:
            key = {
                "queries": self.key.queries,
                "among": self.key.among,
                "chance": self.key.chance,
                "precision_at_10": {
                    name: {"mean": one.mean, "low": one.low, "high": one.high}
                    for name, one in self.key.precision.items()
                },
                "sentences": list(self.key.sentences),
            }
        return {
            "run": self.about.run,
            "weights": self.about.weights,
            "distance": self.distance,
            "whitened": self.whitened,
            "searched": self.searched,
            "queries": [
                {
                    "query": query.query,
                    "neighbours": [
                        {
                            "path": one.name,
                            "label": one.label,
                            "distance": one.distance,
                            "row": one.row,
                            "same_pixels": one.same_pixels,
                        }
                        for one in query.found
                    ],
                }
                for query in self.queries
            ],
            "search_key": key,
            "notices": list(self.notices),
        }


def search(
    run: Path,
    queries: Sequence[Source],
    among: Sequence[Source],
    *,
    count: int = 10,
    distance: Distance = "euclidean",
    whiten: bool = False,
    compare: bool = True,
    skip_broken: bool = False,
    device: str = "auto",
    quiet: bool = False,
    pictures: int = 0,
) -> Search:
    """Look for pictures near the queries.

    queries, among: as for `read_queries` and `gallery_of`. count: neighbours of each query. compare: whether the latent
    is held against PCA and pixels, where labels are known. pictures: of how many queries the pixels are returned.
    Raises InputError where a source or a query is not there, and for a table of another run's latents.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"-n: {count:,} does not fit: ask for 1 to {MOST:,} neighbours")
    model, notices = load_model(run, device)
    about = about_latents(run, model)
    asked = read_queries(model, queries, skip_broken=skip_broken, pictures=pictures)
    with gallery_of(model, about, among, skip_broken=skip_broken, quiet=quiet) as gallery:
        whitening = fit_whitening(gallery.latents()) if whiten else None
        found = nearest_to(asked, gallery, count, distance, whitening)
        key, said = compare_keys(run, model, gallery, distance, whitening) if compare else (None, [])
        copies = len(gallery) - len(set(gallery.sha256))
        if key is not None and copies:
            verb = "is a copy" if copies == 1 else "are copies"
            said.append(
                f"{copies:,} of {counted(len(gallery), 'searched picture')} {verb}, pixel for pixel, of another; each "
                "finds the other, which raises the precision."
            )
        names = {one.name for query in found[:pictures] for one in query.found}
        seen = gallery.pixels(names) if names else {}
        notices += [*asked.notices, *gallery.notices, *said]
        if whitening is not None and whitening.matrix.shape[1] < model.latent_size:
            directions = f"{whitening.matrix.shape[1]:,} of {counted(model.latent_size, 'direction')}"
            notices.append(f"Whitened along {directions}: the latents do not vary along the others.")
        short = min(len(query.found) for query in found)
        if short < count:
            pictures_searched = counted(len(gallery), "picture")
            notices.append(
                f"Of {pictures_searched} that were searched, fewer than {count:,} are others than the query."
            )
    return Search(
        about,
        distance,
        whiten,
        len(gallery),
        found,
        key,
        tuple(dict.fromkeys(notices)),
        model.image_shape,
        model.depth,
        seen,
        dict(zip(asked.names, asked.pixels, strict=False)),
    )

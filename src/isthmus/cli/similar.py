"""The verb similar: nearest pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.app import PATH, AsJson, Quiet, SkipBroken, need_folder, say, tell
from isthmus.cli.encode import Device
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream

if TYPE_CHECKING:
    from isthmus.inference.similar import Search

_ROWS = 20  # queries on a sheet
_DISTANCES = ("euclidean", "cosine")


def similar(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    queries: Annotated[
        list[str],
        typer.Argument(metavar="QUERY...", help="Pictures to look for: files, folders, or rows such as scans.npy:12."),
    ],
    among: Annotated[
        list[str],
        typer.Option(
            "--in",
            metavar="SOURCE|latents.parquet",
            help="Where to look: pictures as for `isthmus encode`, or the table that it wrote. Repeat for several.",
        ),
    ],
    count: Annotated[int, typer.Option("-n", help="How many neighbours of each query.")] = 10,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A PNG to write: the sheet of pictures.", **PATH)
    ] = None,
    distance: Annotated[str, typer.Option("--distance", help="euclidean or cosine.")] = "euclidean",
    whiten: Annotated[
        bool, typer.Option("--whiten", help="Let all directions in which the searched latents vary count alike.")
    ] = False,
    compare: Annotated[
        bool,
        typer.Option(
            "--compare/--no-compare",
            help="Where labels are known, hold the search against PCA and raw pixels. It reads the run's images.",
        ),
    ] = True,
    skip_broken: SkipBroken = False,
    device: Device = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find pictures that look alike to a trained model.

    They are the nearest ones in its latent, found by exact search. Where labels are known, it says how often neighbours
    have the label of the query, beside what PCA and raw pixels reach.
    """
    need_folder(run)
    if distance not in _DISTANCES:
        raise InputError(f"--distance: {distance!r} is unknown; choose {' or '.join(_DISTANCES)}")
    if out is not None:
        if out.suffix.lower() != ".png" and not is_stream(out):
            raise InputError(f"{out}: the sheet is saved as PNG; give --out a name that ends in .png")
        check_free(out)
    from isthmus.inference.similar import search

    found = search(
        run,
        queries,
        among,
        count=count,
        distance=distance,
        whiten=whiten,
        compare=compare,
        skip_broken=skip_broken,
        device=device,
        quiet=quiet,
        pictures=_ROWS if out is not None else 0,
    )
    for sentence in found.notices:
        say(sentence)
    if out is not None:
        _save_sheet(run, found, out)
    if as_json:
        print(json.dumps(found.as_dict(), indent=1))
    else:
        _print(found)
    if out is not None and not is_stream(out) and not as_json:
        tell(out)


def _print(found: Search) -> None:
    """The neighbours as a table, then how the latent does as a search key."""
    from isthmus.cli.console import new_console
    from isthmus.cli.narrow_tables import print_table
    from isthmus.core.wording import on_one_line

    console = new_console()
    labelled = any(one.label is not None for query in found.queries for one in query.found)
    for place, query in enumerate(found.queries):
        if place:
            console.print()
        wide = len(str(len(query.found)))
        columns = [f"{' ' * wide}  nearest to {on_one_line(query.query)}", *(["label"] if labelled else []), "distance"]
        rows: list[tuple[str, ...]] = []
        for rank, one in enumerate(query.found, 1):
            label = [on_one_line("" if one.label is None else str(one.label))] if labelled else []
            same = " (the same pixels)" if one.same_pixels else ""
            rows.append((f"{rank:>{wide}}  {on_one_line(one.name)}{same}", *label, f"{one.distance:#.4g}"))
        print_table(console, columns, rows, left=("label",), first_to_go=("label",))
    if found.key is not None:
        console.print()
        for line in found.key_lines():
            console.print(line, markup=False)


def _save_sheet(run: Path, found: Search, out: Path) -> None:
    from isthmus.pages.captioned_tiles import file_name
    from isthmus.pages.contact_sheet import save_picture
    from isthmus.pages.neighbour_sheet import Cell, neighbour_sheet
    from isthmus.pages.shown_pixels import remarks, view_of
    from isthmus.runs.run_folder import read_recipe

    shown, view = (
        found.queries[:_ROWS],
        view_of(found.image_shape[0], read_recipe(run).data.options.get("shown_channels")),
    )
    for sentence in remarks(view, found.depth, None):
        say(sentence)

    def cell(name: str, *lines: str) -> Cell:
        pixels = found.pictures.get(name)
        return Cell(None if pixels is None else view.pictures(pixels), (file_name(name), *lines))

    rows: list[Sequence[Cell]] = []
    for query in shown:
        below = [(one, _below(one.label, one.distance)) for one in query.found]
        first = Cell(view.pictures(found.query_pictures[query.query]), (file_name(query.query), "query"))
        rows.append([first, *(cell(one.name, *lines) for one, lines in below)])
    save_picture(neighbour_sheet(rows), out)
    if len(found.queries) > len(shown):
        say(f"The sheet shows the first {len(shown)} of {len(found.queries):,} queries; the table has all.")
    if missing := {one.name for query in shown for one in query.found} - found.pictures.keys():
        say(f"{len(missing):,} pictures are not where the table of latents says; the sheet leaves their places empty.")


def _below(label: Any, distance: float) -> tuple[str, ...]:
    text = f"distance {distance:#.3g}"
    return (text,) if label is None else (f"label {label}", text)

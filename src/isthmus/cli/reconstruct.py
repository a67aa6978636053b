"""The verb reconstruct: pictures through a trained model, as files and as a sheet of pairs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isthmus.cli.app import PATH, AsJson, Quiet, SkipBroken, need_folder, say, tell
from isthmus.cli.encode import Device, Sources
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.wording import counted

if TYPE_CHECKING:
    import numpy as np

    from isthmus.inference.file_pairs import Listing, Read
    from isthmus.models.autoencoder import Autoencoder
    from isthmus.pages.shown_pixels import View

_AT_A_TIME = 256  # images in memory at the same time


def reconstruct(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    images: Sources,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="A PNG for one image, a folder for several. By default reconstruction.png.", **PATH
        ),
    ] = None,
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", help="A PNG with the first originals and reconstructions side by side.", **PATH),
    ] = None,
    skip_broken: SkipBroken = False,
    device: Device = "auto",
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Send images through a trained model and save what comes out.

    They are cropped and scaled to the model's size. With --sheet and without --out only the sheet is written.
    """
    need_folder(run)
    if sheet is None and out is None:
        out = Path("reconstruction.png")
    if as_json and any(one is not None and is_stream(one) for one in (out, sheet)):
        raise InputError("--json and a picture would both go to a stream; give files, or leave out --json")
    if sheet is not None:
        if sheet.suffix.lower() != ".png" and not is_stream(sheet):
            raise InputError(f"{sheet}: sheets are saved as PNG; give --sheet a name that ends in .png")
        check_free(sheet)
    from isthmus.inference.file_pairs import listed, targets_of
    from isthmus.pages.shown_pixels import remarks, view_of
    from isthmus.runs.load import load_model
    from isthmus.runs.run_folder import read_recipe

    model, notices = load_model(run, device)
    listing = listed(images, model.form)
    targets = None if out is None else targets_of(listing, out)  # before anything is written
    view = view_of(model.image_shape[0], read_recipe(run).data.options.get("shown_channels"))
    for sentence in (*notices, *remarks(view, model.depth, None)):
        say(sentence)
    said: dict[str, Any] = {}
    if sheet is not None:
        said |= _write_sheet(model, view, images, sheet, skip_broken=skip_broken, quiet=quiet, as_json=as_json)
    if targets is not None:
        said |= _write_each(model, view, listing, targets, skip_broken=skip_broken, quiet=quiet, as_json=as_json)
    if as_json:
        print(json.dumps(said, indent=1))


def _write_each(
    model: Autoencoder,
    view: View,
    listing: Listing,
    targets: list[Path],
    *,
    skip_broken: bool,
    quiet: bool,
    as_json: bool,
) -> dict[str, Any]:
    from isthmus.inference.file_pairs import PictureReader, reconstructed
    from isthmus.pages.contact_sheet import contact_sheet, save_picture
    from isthmus.pages.work_progress import work_progress

    for sentence in listing.notices:
        say(sentence)
    reader, rows = PictureReader(skip_broken=skip_broken), list[dict[str, Any]]()
    with work_progress("Reconstructing", len(listing), "image", quiet=quiet) as progress:
        for block in _blocks(reader.each(listing)):
            pixels = [one.pixels for one in block]
            made = reconstructed(model, pixels)
            errors = [_mean_squared_error(image, original) for image, original in zip(made, pixels, strict=True)]
            for one, picture, error in zip(block, view.pictures(made), errors, strict=True):
                target = targets[one.place]
                save_picture(contact_sheet(picture[None], width=0), target)
                rows.append({"path": one.name, "out": str(target), "error": error})
                if not is_stream(target) and not as_json:
                    tell(target)
                progress.skip_to(one.place)
                progress.advance()
    for sentence in reader.notices():
        say(sentence)
    return {"images": rows}


def _write_sheet(
    model: Autoencoder, view: View, sources: list[str], sheet: Path, *, skip_broken: bool, quiet: bool, as_json: bool
) -> dict[str, Any]:
    from isthmus.inference.file_pairs import reconstructed
    from isthmus.inference.named_images import NamedImages
    from isthmus.pages.contact_sheet import save_picture
    from isthmus.pages.pair_sheet import MOST, pair_sheet

    found = NamedImages(sources, model.form, skip_broken=skip_broken, quiet=quiet)
    block = next(found.blocks(MOST))
    first = block.pixels
    made = reconstructed(model, list(first))
    errors = [_mean_squared_error(image, original) for image, original in zip(made, first, strict=True)]
    for sentence in found.notices():
        say(sentence)
    save_picture(pair_sheet(view, first, made, block.names, errors), sheet)
    error = _mean_squared_error(made, first)
    more = len(first) == MOST and len(found) > MOST
    shown = f"the first {len(first)} of {len(found):,} images" if more else counted(len(first), "image")
    say(f"The sheet shows {shown}, each original on the left; their mean squared error is {error:.5f} (0-1).")
    if not is_stream(sheet) and not as_json:
        tell(sheet)
    return {"sheet": str(sheet), "shown": len(first), "mean_error": error}


def _blocks(pictures: Iterator[Read]) -> Iterator[list[Read]]:
    while block := list(islice(pictures, _AT_A_TIME)):
        yield block


def _mean_squared_error(made: np.ndarray, original: np.ndarray) -> float:
    """Per pixel value, pixels in [0, 1]."""
    from isthmus.core.pixels import levels

    return float((((made.astype(float) - original) / levels(original.dtype)) ** 2).mean())

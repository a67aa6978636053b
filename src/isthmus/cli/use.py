"""Verbs that use a trained model: explore, export, sample, reconstruct."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Data, Device, Moved, SkipBroken, elsewhere, need_folder, say, tell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.paths import resolved
from isthmus.core.wording import counted

_AT_A_TIME = 256  # images in memory at the same time


def explore(
    folder: Annotated[Path, typer.Argument(help="A run folder or a study folder.", **PATH)],
    moved: Moved = None,
    data: Data = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="The HTML file to write. By default FOLDER/explorer.html.", **PATH),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", "-m", metavar="NAME", help="A study's variation to show; repeat -m for up to four."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a page in which a trained model runs in the browser.

    One HTML file, whose path is printed, that opens with a double click and needs no server and no network.
    """
    need_folder(folder)
    to_stream = out is not None and is_stream(out)
    if as_json and to_stream:
        raise InputError(f"{out}: --json and the page would both go there; give --out a file, or leave out --json")
    from isthmus.api import verbs

    made = verbs.explore(folder, models=model or (), out=out, where=elsewhere(data, moved))
    for sentence in made.notices:
        say(sentence)
    if as_json:
        print(json.dumps({"page": str(resolved(made.page)), "notices": list(made.notices)}, indent=1))
    elif not to_stream:
        tell(resolved(made.page))


def export(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="The folder to write. By default RUN/export.", **PATH)
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Store weights in 16 bits, and say what it costs.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a trained model as ONNX, checked, and its weights.

    Both ONNX files are checked against PyTorch. encoder.onnx takes images (N, C, H, W) in 0..255, float32;
    decoder.onnx gives images in [0, 1]. export.json tells their channels, and 0..65535 for images of 16 bits.
    """
    need_folder(run)
    from isthmus.cli import tables
    from isthmus.inference.export import export_run
    from isthmus.run_files.read import read_json

    exported = export_run(run, out, half=half)
    for sentence in exported.notices:
        say(sentence)
    if as_json:
        print(json.dumps(read_json(exported.folder / "export.json"), indent=1))
    else:
        tables.print_export(exported)


def sample(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    moved: Moved = None,
    data: Data = None,
    count: Annotated[int, typer.Option("-n", help="How many images.")] = 64,
    out: Annotated[Path, typer.Option("--out", "-o", help="The PNG to write.", **PATH)] = Path("samples.png"),
    sampler: Annotated[str, typer.Option("--sampler", help="auto, or one of `isthmus list samplers`.")] = "auto",
    seed: Annotated[int, typer.Option("--seed", help="Another seed draws other images.")] = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Draw new images from a trained model into one picture."""
    need_folder(run)
    to_stream = is_stream(out)
    if as_json and to_stream:
        raise InputError(f"{out}: --json and the picture would both go there; give --out a file, or leave out --json")
    if out.suffix.lower() != ".png" and not to_stream:
        raise InputError(f"{out}: samples are saved as PNG; give --out a name that ends in .png")
    check_free(out)
    from isthmus.core.pixels import depth_of
    from isthmus.inference.sample import generate
    from isthmus.pages.contact_sheet import contact_sheet, save_picture
    from isthmus.pages.shown_pixels import remarks, view_of
    from isthmus.runs.run_folder import read_recipe

    made = generate(run, count, sampler=sampler, seed=seed, device=device, where=elsewhere(data, moved))
    view = view_of(made.images.shape[1], read_recipe(run).data.options.get("shown_channels"))
    for sentence in (*made.notices, *remarks(view, depth_of(made.images.dtype), None)):
        say(sentence)
    save_picture(contact_sheet(view.pictures(made.images)), out)
    say(f"{counted(count, 'image')} from sampler {made.sampler}, seed {seed}.")
    if as_json:
        print(json.dumps({"picture": str(out), "images": count, "sampler": made.sampler, "seed": seed}, indent=1))
    elif not to_stream:
        tell(out)


def reconstruct(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    images: Annotated[
        list[Path],
        typer.Argument(help="Image files, or folders of them; cropped and scaled to the model's size.", **PATH),
    ],
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
    as_json: AsJson = False,
) -> None:
    """Send images through a trained model and save what comes out.

    With --sheet and without --out only the sheet is written. For a sheet, images may also be parquet files, arrays and
    stores.
    """
    need_folder(run)
    if as_json and any(is_stream(one) for one in (out, sheet) if one is not None):
        raise InputError("--json: it and a picture would both go to stdout; give --out and --sheet files")
    written: list[Path] = []
    if sheet is not None:
        written += _write_sheet(run, images, sheet, device, skip_broken=skip_broken)
        if not as_json and not is_stream(sheet):
            tell(sheet)
    if out is not None or sheet is None:
        target = out or Path("reconstruction.png")
        written += _write_each(run, images, target, device, skip_broken=skip_broken, silent=as_json)
    if as_json:
        print(json.dumps({"written": [str(path) for path in written]}, indent=1))


def _write_each(
    run: Path, images: list[Path], out: Path, device: str, *, skip_broken: bool, silent: bool
) -> list[Path]:
    """The pictures that were written; each is printed when it is done, unless `silent`."""
    from isthmus.inference.file_pairs import PictureReader, pairs_of, reconstructed
    from isthmus.pages.contact_sheet import contact_sheet, save_picture
    from isthmus.pages.shown_pixels import remarks, view_of

    pairs, left_out = pairs_of(images, out)
    from isthmus.runs.load import load_model
    from isthmus.runs.run_folder import read_recipe

    model, notices = load_model(run, device)
    reader = PictureReader(model.form, skip_broken=skip_broken)
    view = view_of(model.image_shape[0], read_recipe(run).data.options.get("shown_channels"))
    for sentence in (*notices, *left_out, *remarks(view, model.depth, None)):
        say(sentence)
    written: list[Path] = []
    for start in range(0, len(pairs), _AT_A_TIME):
        pixels, targets = reader.read(pairs[start : start + _AT_A_TIME])
        made = view.pictures(reconstructed(model, pixels)) if pixels else ()
        for target, picture in zip(targets, made, strict=True):
            save_picture(contact_sheet(picture[None], width=0), target)
            written.append(target)
            if not is_stream(target) and not silent:
                tell(target)
    for sentence in reader.notices():
        say(sentence)
    return written


def _write_sheet(run: Path, images: list[Path], sheet: Path, device: str, *, skip_broken: bool) -> list[Path]:
    to_stream = is_stream(sheet)
    if sheet.suffix.lower() != ".png" and not to_stream:
        raise InputError(f"{sheet}: sheets are saved as PNG; give --sheet a name that ends in .png")
    check_free(sheet)
    from isthmus.core.pixels import levels
    from isthmus.inference.file_pairs import reconstructed
    from isthmus.inference.named_images import NamedImages
    from isthmus.pages.contact_sheet import save_picture
    from isthmus.pages.pair_sheet import MOST, pair_sheet
    from isthmus.pages.shown_pixels import remarks, view_of
    from isthmus.runs.load import load_model
    from isthmus.runs.run_folder import read_recipe

    model, notices = load_model(run, device)
    found = NamedImages([str(path) for path in images], model.form, skip_broken=skip_broken)
    first = next(found.blocks(MOST)).pixels
    made = reconstructed(model, list(first))
    view = view_of(model.image_shape[0], read_recipe(run).data.options.get("shown_channels"))
    for sentence in (*notices, *found.notices(), *remarks(view, model.depth, None)):
        say(sentence)
    save_picture(pair_sheet(view, first, made), sheet)
    errors = ((made.astype(float) - first) / levels(first.dtype)) ** 2
    shown = (
        f"the first {len(first)} of {len(found):,} images" if len(found) > len(first) else counted(len(first), "image")
    )
    say(f"The sheet shows {shown}, each original on the left; their mean squared error is {errors.mean():.5f} (0-1).")
    return [sheet]

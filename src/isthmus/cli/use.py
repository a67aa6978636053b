"""Verbs that use a trained model: explore, export, sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Data, Device, Moved, elsewhere, need_folder, say, tell
from isthmus.core.errors import InputError
from isthmus.core.outputs import check_free, is_stream
from isthmus.core.paths import resolved
from isthmus.core.wording import counted


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

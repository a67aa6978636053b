"""The verb denoise: take the noise out of pictures of any size."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Quiet, SkipBroken, need_folder, say, tell
from isthmus.cli.encode import Sources
from isthmus.core.errors import InputError
from isthmus.core.outputs import is_stream


def denoise(
    run: Annotated[Path, typer.Argument(help="A run folder, such as one of the recipe `denoiser`.", **PATH)],
    images: Sources,
    out: Annotated[Path, typer.Option("--out", "-o", help="A PNG for one, a folder for several.", **PATH)] = Path(
        "denoised.png"
    ),
    device: Annotated[str, typer.Option("--device", help="cpu, cuda, mps or auto.")] = "auto",
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Take the noise out of pictures of any size.

    Each picture goes through the model in overlapping tiles of the model's own size, blended without seams. Its noise
    is estimated and compared with the noise that the model was trained for. `isthmus evaluate RUN --noise STD` says
    how well the model does it.
    """
    need_folder(run)
    if as_json and is_stream(out):
        raise InputError(f"{out}: --json and the picture would both go there; give --out a file, or leave out --json")
    from isthmus.inference.denoise import denoised, form_of_any_size
    from isthmus.inference.file_pairs import PictureReader, listed, targets_of
    from isthmus.inference.noise_level import noise_std
    from isthmus.inference.trained_noise import TrainedNoise
    from isthmus.pages.contact_sheet import save_picture
    from isthmus.pages.shown_pixels import full_picture, remarks, view_of
    from isthmus.pages.work_progress import work_progress
    from isthmus.runs.load import load_model
    from isthmus.runs.run_folder import read_recipe

    model, notices = load_model(run, device)
    listing = listed(images, form_of_any_size(model))
    targets = targets_of(listing, out)
    recipe = read_recipe(run)
    reader = PictureReader(skip_broken=skip_broken)
    view = view_of(model.image_shape[0], recipe.data.options.get("shown_channels"))
    kept_depth = 8 if view.everything and len(view.channels) == 1 else model.depth  # grey keeps its 16 bits
    for sentence in (*notices, *listing.notices, *remarks(view, kept_depth, None)):
        say(sentence)
    trained = TrainedNoise.of(model, recipe.corruption.kind)
    names, stds, written = list[str](), list[float | None](), list[Path]()
    with work_progress("Denoising", len(listing), "picture", quiet=quiet) as progress:
        for one in reader.each(listing):
            target = targets[one.place]
            stds.append(noise_std(one.pixels))
            progress.skip_to(one.place)
            save_picture(full_picture(view, denoised(model, one.pixels, progress.within)), target)
            names.append(one.name)
            written.append(target)
            if not as_json and not is_stream(target):
                tell(target)
            progress.advance()
    for sentence in reader.notices():
        say(sentence)
    for sentence in trained.judged(names, stds):
        say(sentence)
    if as_json:
        rows = [
            {"path": name, "out": str(target), "noise_std": std, "trained_std": trained.range}
            for name, target, std in zip(names, written, stds, strict=True)
        ]
        print(json.dumps(rows, indent=1))

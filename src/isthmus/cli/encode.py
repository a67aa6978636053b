"""The verb encode: a table of latents."""

from __future__ import annotations

import json
from collections import deque
from pathlib import Path
from typing import Annotated

import typer

from isthmus.cli.app import PATH, AsJson, Quiet, SkipBroken, need_folder, say, tell
from isthmus.core.outputs import is_stream
from isthmus.core.wording import counted

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Picture files, folders, patterns in quotes ('scans/*.png'), parquet files, arrays, stores, or a data set "
        "such as digits.",
    ),
]
Device = Annotated[str, typer.Option("--device", help="cpu, cuda or mps; auto takes the best there is.")]


def encode(
    run: Annotated[Path, typer.Argument(help="A run folder.", **PATH)],
    sources: Sources,
    out: Annotated[
        Path,
        typer.Option("--out", "-o", help="The table to write: .parquet, .csv, or .npy with the numbers alone.", **PATH),
    ] = Path("latents.parquet"),
    skip_broken: SkipBroken = False,
    device: Device = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Turn pictures into a table of latents.

    A row for each picture, in the order of the source: its path, its label where there is one, the hash of its pixels,
    the latent z, the codes of a discrete latent, and the error of its reconstruction. Memory does not grow with the
    number of pictures.
    """
    need_folder(run)
    from isthmus.core.ahead import behind
    from isthmus.inference.encode import Encoding, about_latents, encoded
    from isthmus.inference.latents_file import check_target, writing
    from isthmus.inference.named_images import NamedImages
    from isthmus.models.processes import spread
    from isthmus.runs.load import load_model
    from isthmus.training.joining import together

    check_target(out)
    with together(device) as processes, spread():
        model, notices = load_model(run, device)
        images = NamedImages(sources, model.form, skip_broken=skip_broken, quiet=quiet or not processes.first)
        if not processes.first:  # it computes its share of every block
            with encoded(model, images) as blocks:
                deque(blocks, maxlen=0)
            return
        if model.corruption.at_inference:
            notices.append(model.corruption.inference_warning)
        for sentence in notices:
            say(sentence)
        about, done = about_latents(run, model), Encoding()
        with (
            writing(out, about, labels=images.has_labels, names=images.has_names_as_labels) as writer,
            behind(writer.write) as write,
            encoded(model, images) as blocks,
        ):
            for block in blocks:
                write(block)
                done.images += len(block)
                done.error += float(block.error.sum())
    for sentence in images.notices():
        say(sentence)
    rate = done.images / done.seconds
    if not is_stream(out) and out.suffix.lower() == ".npy":
        say("A .npy file holds the numbers alone, in the order of the pictures; .parquet and .csv hold paths, too.")
    say(
        f"{counted(done.images, 'picture')}, {counted(about.size, 'number')} each; mean squared error of the "
        f"reconstructions {done.mean_error:.3g} (pixels 0–1); {rate:,.0f} images/s."
    )
    if as_json:
        said = {
            "file": str(out),
            "images": done.images,
            "left_out": len(images) - done.images,
            "run": about.run,
            "weights": about.weights,
            "latent_shape": list(about.latent_shape),
            "codes": about.codes,
            "mean_error": done.mean_error,
            "seconds": round(done.seconds, 3),
            "images_per_second": round(rate, 1),
            "notices": images.notices(),
        }
        print(json.dumps(said, indent=1))
    elif not is_stream(out):
        tell(out)

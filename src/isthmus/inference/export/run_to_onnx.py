"""Export a run: write both graphs and the weights, and compare the files' outputs with PyTorch."""

from __future__ import annotations

import math
import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from safetensors.torch import save

from isthmus.core.atomic_files import own_folder, write_bytes
from isthmus.core.errors import InputError, RunError
from isthmus.core.paths import resolved
from isthmus.core.pixels import levels
from isthmus.core.streams import sealed
from isthmus.inference.export.compare import answer, loss
from isthmus.inference.export.graphs import OPSET, decoder_graph, encoder_graph
from isthmus.inference.export.storage import in_half
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched_array
from isthmus.run_files.arrays import read_pictures
from isthmus.run_files.export import ExportedGraph, ExportedTensor, ExportRecord
from isthmus.run_files.read import holds
from isthmus.run_files.write import write_record
from isthmus.runs.folder_log import logged
from isthmus.runs.load import load_model, load_run_data
from isthmus.runs.run_folder import is_begun, read_environment, read_recipe

# another order of float32 sums usually gives 1e-6; a wrong graph differs by 1e-2 or more
_TOLERANCE = 1e-4
_BATCHES = 1, 3
_ABOUT, _WEIGHTS, _GRAPHS = "export.json", "model.safetensors", ("encoder.onnx", "decoder.onnx")


@dataclass(frozen=True)
class Graph:
    """An exported file: shapes with the batch as None, and its largest difference from PyTorch.

    difference: largest absolute difference of a value, divided by PyTorch's largest absolute value or 1, if larger.
    """

    path: Path
    input: tuple[int | None, ...]
    output: tuple[int | None, ...]
    difference: float


@dataclass(frozen=True)
class Exported:
    """What `export_run` wrote; `half_cost_db` is the PSNR that 16-bit weights lose on held-out images.

    half_cost_db: None if weights are not halved or the images are missing. notices: for the user.
    """

    folder: Path
    graphs: tuple[Graph, ...]
    weights: Path
    half_cost_db: float | None = None
    notices: tuple[str, ...] = ()


def export_run(run: Path, out: Path | None = None, *, half: bool = False) -> Exported:
    """Write encoder.onnx, decoder.onnx, model.safetensors and export.json of a trained run to `out`.

    out: by default `export/` in the run's folder. half: store the graphs' weights in 16 bits.
    Raises InputError if `out` holds files of the user or of another run, RunError if the output of a file differs
    from PyTorch's.
    """
    with logged(run, "export") if out is None else nullcontext():
        return _export(run, out, half=half)


def _export(run: Path, out: Path | None, *, half: bool) -> Exported:
    folder = run / "export" if out is None else out
    if out is not None:
        _check_folder(run, out)
    model, said = load_model(run, "cpu")
    notices = list(said)
    encoder, decoder = encoder_graph(model), decoder_graph(model)
    images = _pictures(run, model)
    latents = batched_array(model, model.encode_pixels, torch.from_numpy(images))
    answers = batched_array(model, lambda z: ((model.decode_latents(z) + 1) / 2).clamp(0, 1), torch.from_numpy(latents))
    pairs = ((images.astype(np.float32), latents), (latents, answers))
    differences = [_difference(graph, *pair) for graph, pair in zip((encoder, decoder), pairs, strict=True)]
    for name, difference in zip(("encoder", "decoder"), differences, strict=True):
        if not difference <= _TOLERANCE:  # nan too
            raise RunError(
                f"{run}: its {name} as ONNX is {difference:.2g} off PyTorch; please report this and the recipe"
            )
    cost = None
    if half:
        encoder, decoder = in_half(encoder), in_half(decoder)
        differences = [_difference(graph, *pair) for graph, pair in zip((encoder, decoder), pairs, strict=True)]
        cost, sentence = _cost(run, model, encoder, decoder)
        notices += [sentence] if sentence else []
    folder.mkdir(parents=True, exist_ok=True) if out is not None else own_folder(folder)
    weights = folder / _WEIGHTS
    write_bytes(weights, save({name: tensor.contiguous() for name, tensor in model.state_dict().items()}))
    written = (
        _write(folder / _GRAPHS[0], encoder, model.image_shape, model.latent_shape, differences[0]),
        _write(folder / _GRAPHS[1], decoder, model.latent_shape, model.image_shape, differences[1]),
    )
    exported = Exported(folder, written, weights, cost, tuple(notices))
    write_record(folder / _ABOUT, _about(run, model, exported, half))
    return exported


def _check_folder(run: Path, out: Path) -> None:
    """Check that the export replaces only an earlier export in `out`, and no files of a run or of the user."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file; give --out a folder")
    place = resolved(out)
    for home in (place, *place.parents):
        if (home / "recipe.toml").is_file() and is_begun(home) and place != resolved(run) / "export":
            raise InputError(f"{out}: lies in the run {home}; choose an --out outside of it, or leave --out away")
    held = [name for name in (_ABOUT, _WEIGHTS, *_GRAPHS) if os.path.lexists(out / name)]
    if held and not holds(out / _ABOUT, ExportRecord):
        raise InputError(
            f"{out}: holds {held[0]}, which no earlier export wrote there; choose another --out, or move that file away"
        )


def _cost(
    run: Path, model: Autoencoder, encoder: onnx.ModelProto, decoder: onnx.ModelProto
) -> tuple[float | None, str | None]:
    try:
        images = load_run_data(run).test.images
    except InputError as error:
        return None, f"What 16-bit weights cost was not measured: {error}"
    return loss(encoder, decoder, model, images).psnr_db, None


def _pictures(run: Path, model: Autoencoder) -> np.ndarray:
    """Images (N, C, H, W) to compare on: held-out images from the run's folder, or noise if it has none."""
    try:
        pictures = read_pictures(run / "pictures.safetensors")
    except FileNotFoundError:
        pictures = {}
    shown = pictures.get("shown/original")
    dtype = np.dtype(f"uint{model.depth}")
    if shown is not None and shown.shape[1:] == model.image_shape and shown.dtype == dtype:
        return shown
    return np.random.default_rng(sealed("export")).integers(0, 1 << model.depth, (8, *model.image_shape), dtype=dtype)


def _difference(graph: onnx.ModelProto, given: np.ndarray, expected: np.ndarray) -> float:
    scale = max(1.0, float(np.abs(expected).max()))
    off = [np.abs(answer(graph, given, batch=batch) - expected).max() for batch in _BATCHES]
    return float(max(off)) / scale


def _write(
    path: Path, graph: onnx.ModelProto, given: tuple[int, ...], answered: tuple[int, ...], difference: float
) -> Graph:
    write_bytes(path, graph.SerializeToString())
    return Graph(path, (None, *given), (None, *answered), difference)


def _about(run: Path, model: Autoencoder, exported: Exported, half: bool) -> ExportRecord:
    environment = read_environment(run)
    given, answered = values_of_images(model.image_shape[0], levels(model.pixel_type), environment.data.range)
    names = ("image", given, "latent", "any"), ("latent", "any", "image", answered)
    cost = exported.half_cost_db
    return ExportRecord(
        format=1,
        recipe=read_recipe(run).name,
        data_hash=environment.data.hash,
        opset=OPSET,
        weights="float16" if half else "float32",
        half_cost_db=cost if cost is None or math.isfinite(cost) else None,
        graphs=tuple(
            ExportedGraph(
                file=graph.path.name,
                input=ExportedTensor(name=name, shape=graph.input, dtype="float32", range=taken),
                output=ExportedTensor(name=answer_name, shape=graph.output, dtype="float32", range=made),
                largest_difference_from_pytorch=graph.difference,
            )
            for graph, (name, taken, answer_name, made) in zip(exported.graphs, names, strict=True)
        ),
    )


def values_of_images(channels: int, highest: int, ends: tuple[float, float] | None) -> tuple[str, str]:
    """What the values of encoder.onnx's images mean, and those of decoder.onnx's: 'RGB, 0..255' and 'RGB, [0, 1]'.

    highest: level of the pixels. ends: `data.range`, the sources' values that are black and white.
    """
    order = {1: "grey", 3: "RGB"}.get(channels, f"{channels} channels in the order of the data")
    stands = "" if ends is None else f", where black is {ends[0]:g} of the data and white {ends[1]:g}"
    return f"{order}, 0..{highest}{stands}", f"{order}, [0, 1]{stands}"

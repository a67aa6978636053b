"""isthmus from Python: the verbs of the command line as functions."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isthmus.core import registry
from isthmus.core.arguments import checked
from isthmus.core.errors import InputError
from isthmus.core.json_files import read_json
from isthmus.core.paths import cache_folder, expanded
from isthmus.core.wording import shown
from isthmus.data.array_file import ARRAY_FILE, as_file
from isthmus.evaluation.doctor.examine import read_diagnoses
from isthmus.inference.export import export_run
from isthmus.inference.sample import generate
from isthmus.models.autoencoder import Autoencoder
from isthmus.pages.explorer import write_explorer
from isthmus.pages.progress import Display
from isthmus.pages.report import write_run_report, write_study_pages
from isthmus.pages.report.growing import GrowingReport
from isthmus.recipes.study_plan import load_plan, load_recipe
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.runs.run import load_and_run, load_model
from isthmus.runs.study import study as run_study
from isthmus.training.environment import command_line

Data = str | Path | Mapping[str, Any] | np.ndarray | None


@checked
def train(
    recipe: str,
    *,
    data: Data = None,
    out: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    show_progress: bool = True,
) -> Path:
    """Train a recipe, evaluate it and write its report; goes on where an interrupted run stopped.

    recipe: a name such as "post/latent-10" or a path to a TOML file.
    data: a data set's kind ("scenes"), its options ({"kind": "parquet", "path": ...}), the path of a folder of images
        or of parquet files, or the images as an array, (N, H, W, 3) or (N, 3, H, W), uint8 or float in [0, 1], which
        is kept as `images.safetensors` in the run folder.
    out: the run folder, by default `runs/NAME`. options: dotted changes, {"bottleneck.dim": 16}.
    Returns the run folder. Raises InputError for anything that does not fit.
    """
    home = None if out is None else expanded(out, "out")
    chosen = load_recipe(recipe, {**_data_options(data, home), **(options or {})})
    folder, images = home or Path("runs") / chosen.name, None
    if isinstance(data, np.ndarray):
        chosen = load_recipe(recipe, {**_data_options(data, folder), **(options or {})})
        images = as_file(data)
    with Display(enabled=show_progress) as display:
        for event in load_and_run(chosen, folder, cache_folder(), images=images):
            display.show(event)
    write_run_report(folder)
    return folder


@checked
def study(
    name: str,
    *,
    data: Data = None,
    out: str | Path | None = None,
    options: Mapping[str, Any] | None = None,
    jobs: int | Literal["auto"] = 1,
    show_progress: bool = True,
) -> dict[str, Any]:
    """Run what is missing of a study, compare, and write its report; arguments as in `train`.

    jobs: how many runs at a time, on the CPU each in a process of its own, on a CUDA device in turns; "auto" measures
        on the CPU how many are fastest.
    Returns the findings, as in findings.json.
    """
    home = None if out is None else expanded(out, "out")
    plan = load_plan(name, {**_data_options(data, home), **(options or {})})
    folder, images = home or Path("runs") / plan.name, None
    if isinstance(data, np.ndarray):
        plan = load_plan(name, {**_data_options(data, folder), **(options or {})})
        images = as_file(data)
    growing = GrowingReport(folder, plan.name)
    with Display(enabled=show_progress) as display:
        for event in run_study(plan, folder, cache_folder(), command=command_line(), jobs=jobs, images=images):
            display.show(event)
            growing.show(event)
    write_study_pages(folder)
    return read_json(folder / "findings.json")


@checked
def load(run_folder: str | Path, *, device: str = "auto") -> Autoencoder:
    """The trained model of a run, in evaluation mode: `encode`, `decode`, `reconstruct` take images.

    Warns where the best weights are damaged and the last are taken. Raises InputError where the folder is no
    run, RunError where no weights can be read.
    """
    model, notices = load_model(expanded(run_folder, "run_folder"), device)
    for sentence in notices:
        warnings.warn(sentence, stacklevel=2)
    return model


@checked
def explore(folder: str | Path, *, models: Sequence[str] = (), out: str | Path | None = None) -> Path:
    """Write the page in which a run's model, or up to four of a study's, run in the browser.

    models: names of a study's variations, by default the first four. out: the HTML file, by default `explorer.html`
        in the folder. Returns its path; warns of what is not on the page.
    Raises InputError where the images the models were trained on are not here, or the page's script was not built.
    """
    page = None if out is None else expanded(out, "out")
    made = write_explorer(expanded(folder, "folder"), cache_folder(), only=models, out=page)
    for sentence in made.notices:
        warnings.warn(sentence, stacklevel=2)
    return made.page


@checked
def export(run_folder: str | Path, *, out: str | Path | None = None, half: bool = False) -> Path:
    """Write a run's model as encoder.onnx and decoder.onnx, checked against PyTorch, with export.json beside them.

    out: the folder, by default `export/` in the run's. half: store weights in 16 bits. Returns the folder.
    """
    home = None if out is None else expanded(out, "out")
    exported = export_run(expanded(run_folder, "run_folder"), home, half=half)
    for sentence in exported.notices:
        warnings.warn(sentence, stacklevel=2)
    return exported.folder


@checked
def sample(
    run_folder: str | Path, count: int = 64, *, sampler: str = "auto", seed: int = 0, device: str = "auto"
) -> np.ndarray:
    """New images from a run's model, uint8 (count, H, W, 3); the same for the same seed on the same device.

    sampler: "auto" (the model's prior where it has one, else what fits its latent) or one of the samplers by name.
    Raises InputError where the sampler does not fit, or the images it is fitted to are not here.
    """
    made = generate(expanded(run_folder, "run_folder"), count, sampler=sampler, seed=seed, device=device)
    for sentence in made.notices:
        warnings.warn(sentence, stacklevel=2)
    return made.images.transpose(0, 2, 3, 1)


@checked
def doctor(run_folder: str | Path) -> list[Diagnosis]:
    """What is wrong with a run, the gravest first: `severity`, `sentence`, `remedy`, and the numbers `measured`.

    It is what the last evaluation measured. Raises InputError where there is no run, RunError where it was never
    evaluated.
    """
    return list(next(iter(read_diagnoses(expanded(run_folder, "run_folder")).values())))


def _data_options(data: Data, folder: Path | None) -> dict[str, Any]:
    """`data` as changes to a recipe; an array's are its file in `folder`."""
    if data is None:
        return {}
    if isinstance(data, np.ndarray):
        return {"data.kind": "arrays", "data.path": os.path.abspath((folder or Path("runs")) / ARRAY_FILE)}
    if isinstance(data, Mapping):
        return {f"data.{key}": value for key, value in data.items()}
    if isinstance(data, str) and data in registry.kinds("datasets"):
        return {"data.kind": data}
    path = expanded(data, "data")
    if not path.exists():
        raise InputError(
            f"data: {shown(str(data))} is neither a data set ({', '.join(registry.kinds('datasets'))}) "
            "nor a path that exists"
        )
    parquet = path.suffix == ".parquet" or any(path.glob("**/*.parquet"))
    return {"data.kind": "parquet" if parquet else "folder", "data.path": os.path.abspath(path)}

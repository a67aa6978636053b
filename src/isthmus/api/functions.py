"""isthmus from Python: the verbs of the command line as functions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isthmus.api import verbs
from isthmus.api.asked import Data, asked_run, asked_study
from isthmus.api.run_object import Run
from isthmus.api.study_object import Study
from isthmus.core.arguments import checked, notify
from isthmus.core.paths import AnyPath, expanded
from isthmus.evaluation.doctor.examine import read_diagnoses
from isthmus.inference.export import export_run
from isthmus.inference.images_elsewhere import Elsewhere
from isthmus.inference.sample import generate
from isthmus.models.autoencoder import Autoencoder
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_record
from isthmus.runs.load import load_model
from isthmus.runs.run_folder import check_is_run


@checked
def train(
    recipe: AnyPath,
    *,
    data: Data = None,
    out: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    start: AnyPath | None = None,
    resume: bool = False,
    keep_optimizer: bool = False,
    log: Sequence[str] = (),
    show_progress: bool = True,
) -> Run:
    """Train a recipe, evaluate it and write its report; a finished run is not changed.

    recipe: a name such as "post/latent-10", a path to a TOML file, or a run folder. With a finished run's folder and
        options such as {"train.epochs": 50}, its training goes on in another folder until it has 50 epochs.
    data: a data set's kind ("scenes"), its options ({"kind": "parquet", "path": ...}), the path of a folder of images
        or of other files; or the images: an array or a tensor (N, H, W), (N, H, W, C) or (N, C, H, W), also with labels
        as a pair, a data set of PyTorch or of the Hugging Face hub, or a list of PIL images. Images are kept in the run
        folder, as `images.safetensors` or `images.parquet`.
    out: the run folder, by default `runs/NAME`. options: dotted changes, {"bottleneck.dim": 16}.
    start: a run whose weights are taken as a start, as far as they fit; what differs is said, and start.json keeps it.
    resume: resume the unfinished run in the folder from its last checkpoint.
    keep_optimizer: keep the optimizer's state once training has ended, twice the size of the weights: only with it can
        a later training go on exactly where this one ended.
    log: where its numbers go besides the run folder: "tensorboard", "wandb" (offline), both of them extras.
    Returns the `Run`, which stands for its folder. Raises InputError for any wrong input, and if the folder holds an
    unfinished run and `resume` is false.

    >>> import isthmus as ist
    >>> run = ist.train("digits/latent-10", options={"train.epochs": 1}, show_progress=False)
    >>> print(run, run.evaluation.name, run.evaluation.data.test_images)
    runs/latent-10 latent-10 180

    Images of your own, here as an array; the options make it small:

    >>> import numpy as np
    >>> images = np.random.default_rng(0).integers(0, 256, (40, 16, 16), dtype=np.uint8)
    >>> small = {"architecture.width": 8, "bottleneck.dim": 3, "train.steps": 2}
    >>> run = ist.train("residual", data=images, out="runs/mine", options=small, show_progress=False)
    >>> run.evaluation.data.image_shape
    (1, 16, 16)

    More of the same training, in a folder of its own:

    >>> print(ist.train("runs/latent-10", options={"train.epochs": 2}, show_progress=False))
    runs/latent-10-epochs-2
    """
    source = None if start is None else expanded(start, "start")
    asked = asked_run(os.fspath(recipe), None if out is None else expanded(out, "out"), options or {}, data, source)
    verbs.train(asked, resume=resume, show_progress=show_progress, keep_optimizer=keep_optimizer, log=log)
    return Run(asked.folder)


@checked
def study(
    name: AnyPath,
    *,
    data: Data = None,
    out: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    jobs: int | Literal["auto"] = 1,
    keep_optimizer: bool = False,
    log: Sequence[str] = (),
    show_progress: bool = True,
) -> Study:
    """Run what is missing or unfinished of a study, compare, and write its report; arguments as in `train`.

    name: a study such as "post", a path to a TOML file, or a study folder.
    jobs: number of runs at the same time. On the CPU each has its own process; on a CUDA device they take turns in
        this process. "auto" measures on the CPU which number is fastest.
    Returns the `Study`, which is the dictionary of findings.json and stands for its folder.

    >>> import isthmus as ist
    >>> study = ist.study("digits", options={"train.epochs": 1, "seeds": 1}, show_progress=False)
    >>> list(study.runs)
    ['latent-2/seed-0', 'latent-10/seed-0', 'denoise/seed-0', 'vae/seed-0']
    """
    asked = asked_study(os.fspath(name), None if out is None else expanded(out, "out"), options or {}, data)
    verbs.study(asked, jobs=jobs, show_progress=show_progress, keep_optimizer=keep_optimizer, log=log)
    return Study(asked.folder)


@checked
def load(run_folder: AnyPath, *, device: str = "auto") -> Autoencoder:
    """The trained model of a run, in evaluation mode: `encode`, `decode`, `reconstruct` take images.

    Warns if the best weights are damaged and the last ones are used. Raises InputError if the folder is not a run,
    RunError if no weights can be read.

    >>> import isthmus as ist
    >>> model = ist.load("runs/digits-10", device="cpu")
    >>> model.latent_shape, model.image_shape
    ((10,), (1, 8, 8))
    """
    model, notices = load_model(expanded(run_folder, "run_folder"), device)
    for sentence in notices:
        notify(sentence)
    return model


@checked
def evaluate(
    run_folder: AnyPath,
    *,
    data: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    device: str | None = None,
) -> EvaluationRecord:
    """Score a trained run on its held-out images again, or on another test set, and write its page.

    data: a path of images: the run's own at another place, which are recognised by their content, or another test set,
        whose scores go into a folder of their own, `other-images/NAME/`, and say so in `flags`.
    options: where the run's own images are now, {"data.path": "/new/place"}. device: by default that of its training.
    Warns of what was done to the pictures. Raises InputError for images that are not there.

    >>> import isthmus as ist
    >>> import numpy as np
    >>> np.save("others.npy", np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8))
    >>> found = ist.evaluate("runs/digits-10", data="others.npy")
    >>> found.data.source, found.data.test_images
    ('others.npy (another test set)', 20)
    """
    folder, notices = verbs.evaluate(expanded(run_folder, "run_folder"), device=device, where=_elsewhere(data, options))
    found = read_record(folder / "evaluation.json", EvaluationRecord)
    for sentence in notices:
        if sentence not in found.flags:  # those are returned
            notify(sentence)
    return found


def _elsewhere(data: AnyPath | None, options: Mapping[str, Any] | None) -> Elsewhere:
    return Elsewhere(dict(options or {}), None if data is None else str(expanded(data, "data")))


@checked
def explore(
    folder: AnyPath,
    *,
    models: Sequence[str] = (),
    data: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    out: AnyPath | None = None,
) -> Path:
    """Write a page that runs a run's model, or up to four models of a study, in the browser.

    models: names of a study's variations, by default the first four. out: the HTML file, by default `explorer.html`
        in the folder; then the report links to it. Returns its path; warns about anything missing from the page.
    data, options: other images, as in `evaluate`; their page is in `other-images/NAME/`.
    Raises InputError if the models' training images are missing, or if the page's script has not been built.

    >>> import isthmus as ist
    >>> print(ist.explore("runs/digits-10"))
    runs/digits-10/explorer.html
    """
    page = None if out is None else expanded(out, "out")
    made = verbs.explore(expanded(folder, "folder"), models=models, out=page, where=_elsewhere(data, options))
    for sentence in made.notices:
        notify(sentence)
    return made.page


@checked
def export(run_folder: AnyPath, *, out: AnyPath | None = None, half: bool = False) -> Path:
    """Write a run's model as encoder.onnx and decoder.onnx, checked against PyTorch, and an export.json.

    out: the folder, by default `export/` in the run folder. half: store weights in 16 bits. Returns the folder.

    >>> import isthmus as ist
    >>> sorted(path.name for path in ist.export("runs/digits-10").iterdir())
    ['decoder.onnx', 'encoder.onnx', 'export.json', 'model.safetensors']
    """
    home = None if out is None else expanded(out, "out")
    exported = export_run(expanded(run_folder, "run_folder"), home, half=half)
    for sentence in exported.notices:
        notify(sentence)
    return exported.folder


@checked
def sample(
    run_folder: AnyPath,
    count: int = 64,
    *,
    sampler: str = "auto",
    seed: int = 0,
    data: AnyPath | None = None,
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> np.ndarray:
    """New images from a run's model, (count, H, W, C) uint8, or uint16 where it was trained on 16 bits.

    The same seed on the same device gives the same images.
    sampler: the name of a sampler, or "auto": the model's prior if it has one, else a sampler that suits its latent.
    data, options: as in `evaluate`; to other images than its own, the sampler is fitted.
    Raises InputError if the sampler does not suit the model, or if the images that it is fitted to are missing.

    >>> import isthmus as ist
    >>> new = ist.sample("runs/digits-10", 5, seed=1)
    >>> new.shape, new.dtype
    ((5, 8, 8, 1), dtype('uint8'))
    """
    where = _elsewhere(data, options)
    made = generate(expanded(run_folder, "run_folder"), count, sampler=sampler, seed=seed, device=device, where=where)
    for sentence in made.notices:
        notify(sentence)
    return made.images.transpose(0, 2, 3, 1)


@checked
def doctor(run_folder: AnyPath) -> list[Diagnosis]:
    """Problems of a run, most severe first: `severity`, `sentence`, `remedy`, and the numbers `measured`.

    It is what the last evaluation measured. Raises InputError where there is no run, also for a study, naming its runs,
    RunError where it was never evaluated.

    >>> import isthmus as ist
    >>> for said in ist.doctor("runs/digits-10"):
    ...     print(said.severity, said.rule, said.changes)
    error untrained ({'train.epochs': 44},)
    """
    run = expanded(run_folder, "run_folder")
    check_is_run(run)
    return list(read_diagnoses(run)[str(run)])

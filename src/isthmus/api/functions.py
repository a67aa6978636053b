"""isthmus from Python: the verbs of the command line as functions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from isthmus.api import verbs
from isthmus.api.asked import Data, asked_run, asked_study
from isthmus.api.asked_pictures import asked_pictures
from isthmus.api.run_object import Run
from isthmus.api.study_object import Study
from isthmus.core.arguments import checked, notify
from isthmus.core.paths import AnyPath, expanded
from isthmus.evaluation.doctor.examine import read_diagnoses
from isthmus.inference.anomaly.calibrate import calibrate_run
from isthmus.inference.anomaly.score import Scored
from isthmus.inference.denoise import denoised, pictures_in
from isthmus.inference.encode import about_latents
from isthmus.inference.export import export_run
from isthmus.inference.file_pairs import PictureReader
from isthmus.inference.images_elsewhere import Elsewhere
from isthmus.inference.latents import Latents, gathered
from isthmus.inference.named_images import NamedImages
from isthmus.inference.noise_level import noise_std
from isthmus.inference.sample import generate
from isthmus.inference.similar import Search, search
from isthmus.inference.trained_noise import TrainedNoise
from isthmus.models.autoencoder import Autoencoder
from isthmus.pages.notebook.chart import Chart
from isthmus.pages.notebook.strip import Strip
from isthmus.run_files.calibration import CalibrationRecord
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.read import read_record
from isthmus.runs.load import form_of, load_model
from isthmus.runs.run_folder import check_is_run, read_recipe


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
def encode(
    run_folder: AnyPath,
    source: Any,
    *,
    skip_broken: bool = False,
    device: str = "auto",
    show_progress: bool = True,
) -> Latents:
    """The latents of many pictures, with their names, labels, hashes and reconstruction errors.

    source: a path, a pattern such as "scans/*.png", a data set's kind ("digits"), or a list of these; or the images:
        an array or a tensor (N, H, W), (N, H, W, C) or (N, C, H, W), also with labels as a pair, a data set of PyTorch
        or of the Hugging Face hub, or a list of PIL images. They are brought to the model's size as the command line
        does, and what was done to them is in `notices`.
    skip_broken: leave out and name pictures that cannot be read.
    All latents are kept in memory; `isthmus encode` writes any number of them to a file.
    Raises InputError for a source without pictures and for pictures that cannot be read.

    >>> import isthmus as ist
    >>> table = ist.encode("runs/digits-10", "digits", show_progress=False)
    >>> table.z.shape, len(table.names), len(table.error)
    ((1797, 10), 1797, 1797)
    >>> print(table.save("latents.parquet"))
    latents.parquet
    """
    model, notices = load_model(expanded(run_folder, "run_folder"), device)
    for sentence in notices:
        notify(sentence)
    images = NamedImages(
        asked_pictures(source, model.form), model.form, skip_broken=skip_broken, quiet=not show_progress
    )
    return gathered(model, images, about_latents(Path(run_folder), model))


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
def similar(
    run_folder: AnyPath,
    query: Any,
    among: Any,
    *,
    n: int = 10,
    distance: Literal["euclidean", "cosine"] = "euclidean",
    whiten: bool = False,
    compare: bool = True,
    skip_broken: bool = False,
    device: str = "auto",
    show_progress: bool = True,
) -> Search:
    """The pictures that are nearest to others in a run's latent, by exact search.

    query: what to look for, as the source of `encode`, or rows such as "scans.npy:12". among: where to look, as the
        source of `encode`, or the path of a parquet file that `isthmus encode` wrote with this run.
    n: neighbours of each query. whiten: let all directions in which the searched latents vary count alike.
    compare: where labels are known, hold the search against PCA and raw pixels, for which the run's images are read.
    Returns `queries`, each with its `found` neighbours, nearest first, and `key`: precision at 10 with its interval.
    Raises InputError for what is not there, and for a table of another run's latents.

    >>> import isthmus as ist
    >>> import numpy as np
    >>> digits = np.zeros((20, 8, 8), np.uint8)
    >>> digits[:, 4] = np.arange(0, 200, 10)[:, None]
    >>> found = ist.similar("runs/digits-10", digits[:1], digits, n=3, show_progress=False)
    >>> len(found.queries), len(found.queries[0].found)
    (1, 3)
    """
    run, form = expanded(run_folder, "run_folder"), form_of(expanded(run_folder, "run_folder"))
    return search(
        run,
        asked_pictures(query, form),
        asked_pictures(among, form),
        count=n,
        distance=distance,
        whiten=whiten,
        compare=compare,
        skip_broken=skip_broken,
        device=device,
        quiet=not show_progress,
    )


@checked
def denoise(run_folder: AnyPath, images: Any, *, skip_broken: bool = False, device: str = "auto") -> list[np.ndarray]:
    """Pictures of any size without their noise: one array (H, W, C) for each, of the model's channels and depth.

    images: as the source of `encode`, but of any sizes, or one PIL image or array, or a list that mixes all of these.
        Each goes through the model in overlapping tiles of the model's own size. A folder's pictures come in the order
        of their names.
    skip_broken: leave out and name pictures that cannot be read. All results are kept in memory; `isthmus denoise`
        writes any number of them to a folder.
    Warns where the model was not trained to remove noise, or for noise of another strength than these pictures have,
    and names pictures that were left out. Raises InputError if a picture cannot be read.

    >>> import isthmus as ist
    >>> import numpy as np
    >>> noisy = np.random.default_rng(0).normal(128, 16, (30, 40)).astype(np.uint8)
    >>> (clean,) = ist.denoise("runs/denoiser", noisy)
    >>> clean.shape, clean.dtype
    ((30, 40, 1), dtype('uint8'))
    """
    folder = expanded(run_folder, "run_folder")
    model, notices = load_model(folder, device)
    reader = PictureReader(skip_broken=skip_broken)
    made, stds, names = list[np.ndarray](), list[float | None](), list[str]()
    for name, picture in pictures_in(images, model, reader):
        stds.append(noise_std(picture))
        made.append(denoised(model, picture).transpose(1, 2, 0))
        names.append(name or f"picture {len(names)}")
    trained = TrainedNoise.of(model, read_recipe(folder).corruption.kind)
    for sentence in (*notices, *reader.left_out(), *trained.warnings(names, stds)):
        notify(sentence)
    return made


@checked
def chart(
    lines: Mapping[str, Mapping[Any, Any]],
    *,
    x: str = "x",
    y: str = "y",
    x_scale: Literal["linear", "log2", "log10"] = "linear",
) -> Chart:
    """Numbers as curves, to compare them by eye in a notebook, where the result shows itself; at most four.

    lines: names and points, {x: y}, or {x: (y, low, high)} with the ends of an interval, which is drawn as a bar; an
        interval of an evaluation will do.
    x, y: titles of the axes. Raises InputError for points that are no numbers.

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> curve = {point.components: point.psnr for point in run.evaluation.pca_curve}
    >>> model = {run.evaluation.latent_size: run.evaluation.scores["model"].psnr}
    >>> ist.chart({"network": model, "PCA": curve}, x="numbers in the latent", y="PSNR, dB", x_scale="log2")
    Chart(network: 1 point, PCA: 7 points)
    """
    return Chart(lines, x=x, y=y, x_scale=x_scale)


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


@checked
def calibrate(
    run_folder: AnyPath,
    source: Any = None,
    *,
    measure: str = "auto",
    normal: str | int | None = None,
    skip_broken: bool = False,
    device: str = "auto",
    show_progress: bool = True,
) -> CalibrationRecord:
    """Measure the errors of normal pictures, so that `score` can promise a false-alarm rate; kept in the run folder.

    source: as in `encode`, or None for the run's own test images. They must be normal, and new to the run: pictures
        that were trained on or chose its weights are found by their content and refused.
    measure: of the error: "mse", "ssim", "local" (the largest within a window), "relative" (to the picture's
        roughness), "latent" (its distance from training latents), "elbo" of variational models, or "auto": the one that
        best finds anomalies which isthmus makes up from the run's validation images. normal: take only pictures with
        this label.
    Returns what was written. Warns about what was done to the pictures. Raises InputError for any wrong input.

    >>> import isthmus as ist
    >>> import numpy as np
    >>> normal = np.random.default_rng(0).integers(0, 100, (99, 8, 8), dtype=np.uint8)
    >>> made = ist.calibrate("runs/digits-10", normal, measure="mse", show_progress=False)
    >>> made.measure, made.pictures
    ('mse', 99)
    """
    run = expanded(run_folder, "run_folder")
    made = calibrate_run(
        run,
        None if source is None else asked_pictures(source, form_of(run)),
        measure=measure,
        normal=None if normal is None else str(normal),
        device=device,
        skip_broken=skip_broken,
        quiet=not show_progress,
    )
    for sentence in made.notices:
        notify(sentence)
    return made.calibration.record


@checked
def score(
    run_folder: AnyPath,
    source: Any,
    *,
    false_alarms: float = 0.01,
    normal: str | int | None = None,
    skip_broken: bool = False,
    device: str = "auto",
    show_progress: bool = True,
) -> Scored:
    """Anomaly scores of pictures, by the run's calibration: `path`, `error`, `p_value` and `flag`, each of N pictures.

    source: as in `encode`. error: a larger one is more unusual. p_value: the share of normal pictures whose error is
    as large. flag: whether it is so low that of normal pictures at most `false_alarms` are flagged.
    normal: the label of the normal pictures, where the source has labels; then `judged.record` says how well the errors
        tell them from the others, beside PCA and pixel neighbours.
    Raises InputError for any wrong input: a run without calibration, or one on too few pictures for `false_alarms`.

    One picture in 21 is much brighter than the normal ones:

    >>> import isthmus as ist
    >>> import numpy as np
    >>> pictures = np.random.default_rng(0).integers(0, 100, (120, 8, 8), dtype=np.uint8)
    >>> pictures[-1] += 150
    >>> made = ist.calibrate("runs/digits-10", pictures[:99], measure="mse", show_progress=False)
    >>> scored = ist.score("runs/digits-10", pictures[99:], false_alarms=0.01, show_progress=False)
    >>> len(scored.error), scored.p_value[-1].item(), scored.flag[-1].item()
    (21, 0.01, True)
    """
    run = expanded(run_folder, "run_folder")
    made = verbs.score(
        run,
        asked_pictures(source, form_of(run)),
        false_alarms=false_alarms,
        normal=None if normal is None else str(normal),
        device=device,
        skip_broken=skip_broken,
        show_progress=show_progress,
    )
    for sentence in (*made.notices, *([made.doctor.sentence] if made.doctor else ())):
        notify(sentence)
    return made.scored


@checked
def strip(rows: Mapping[str, Any], *, against: str | None = None, captions: Sequence[str] = ()) -> Strip:
    """Pictures in rows under each other, to compare them by eye in a notebook, where the result shows itself.

    rows: names and pictures, arrays (N, H, W) or (N, H, W, C) of uint8 or uint16, at most 16 in a row.
    against: the name of the row with which the others are compared: each of their pictures gets its PSNR in dB.
    captions: words above the pictures, from the left.
    Raises InputError for other arrays, and for rows of other shapes than the one they are compared with.

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> digits = run.pictures()["shown/original"][:6]
    >>> ist.strip({"original": digits, "rebuilt": run.model.reconstruct(digits)}, against="original")
    Strip(original: 6, rebuilt: 6)
    """
    return Strip(rows, against=against, captions=tuple(captions))

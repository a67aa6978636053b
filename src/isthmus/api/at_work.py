"""The public functions that put a trained model to work on pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from isthmus.api import verbs
from isthmus.api.asked_pictures import asked_pictures
from isthmus.core.arguments import checked, notify
from isthmus.core.paths import AnyPath, expanded
from isthmus.inference.anomaly.calibrate import calibrate_run
from isthmus.inference.anomaly.score import Scored
from isthmus.inference.denoise import denoised, pictures_in
from isthmus.inference.encode import about_latents
from isthmus.inference.file_pairs import PictureReader
from isthmus.inference.latents import Latents, gathered
from isthmus.inference.named_images import NamedImages
from isthmus.inference.noise_level import noise_std
from isthmus.inference.similar import Search, search
from isthmus.inference.trained_noise import TrainedNoise
from isthmus.run_files.calibration import CalibrationRecord
from isthmus.runs.load import form_of, load_model
from isthmus.runs.run_folder import read_recipe


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

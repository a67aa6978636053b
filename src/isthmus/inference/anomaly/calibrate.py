"""Calibration: the errors of normal pictures that took no part in training, kept in the run's folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import isthmus
from isthmus.core.wording import counted
from isthmus.data.content_hashes import as_keys, content_hashes
from isthmus.data.splits import Splits
from isthmus.evaluation.latents.measure_latents import encode_training
from isthmus.inference.anomaly.choose import Choice, choose_measure
from isthmus.inference.anomaly.conformal import least_pictures, percent, what_n_allows
from isthmus.inference.anomaly.errors import check_measure, errors_of
from isthmus.inference.anomaly.known_pictures import known_pictures, refusal, training_images
from isthmus.inference.anomaly.latent_distance import LatentReference, latent_reference
from isthmus.inference.anomaly.normal_label import NormalLabel
from isthmus.inference.anomaly.scored_model import ScoredModel, load_scored
from isthmus.inference.anomaly.sources import HeldPictures, NamedPictures, in_words
from isthmus.inference.named_images import NamedImages
from isthmus.inference.picture_sources import Source
from isthmus.run_files.calibration import Calibration, CalibrationRecord, write_calibration
from isthmus.runs.claim import locked
from isthmus.runs.folder_log import logged

USUAL_LEVEL = 0.01
_WHY = "the run's training images are needed, to see that no calibration picture is among them"


@dataclass(frozen=True)
class Calibrated:
    """The calibration that was written, what it allows in a sentence, and notices for the user."""

    calibration: Calibration
    allows: str
    notices: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    """All calibration pictures: errors (n,), hashes (n, 16) in the same order, and how many copies were left out."""

    errors: np.ndarray
    hashes: np.ndarray
    copies: int


def calibrate_run(
    run: Path,
    sources: Sequence[Source] | None = None,
    *,
    measure: str = "auto",
    normal: str | None = None,
    device: str = "auto",
    skip_broken: bool = False,
    quiet: bool = False,
) -> Calibrated:
    """Measure the errors of normal pictures and keep them in the run folder, as calibration.safetensors.

    sources: as `NamedImages` takes them; None: the run's own test images. measure: one of `MEASURES`, or "auto": chosen
    as `choose.py` says. normal: take only pictures with this label.
    Raises InputError where a picture was trained on or chose the weights, where there is none, and where the run's
    training images are not here.
    """
    with logged(run, "calibrate"):
        return _calibrate(
            run, sources, measure=measure, normal=normal, device=device, skip_broken=skip_broken, quiet=quiet
        )


def _calibrate(
    run: Path,
    sources: Sequence[Source] | None,
    *,
    measure: str,
    normal: str | None,
    device: str,
    skip_broken: bool,
    quiet: bool,
) -> Calibrated:
    scored, notices = load_scored(run, device)
    if measure != "auto":
        check_measure(scored, measure)
    # named pictures first: a path that does not exist is said before all training images are read
    given = None if sources is None else NamedImages(sources, scored.model.form, skip_broken=skip_broken, quiet=quiet)
    splits = training_images(run, _WHY)
    pictures = given or _own_test(scored, splits)
    words = f"the run's own test images ({splits.source})" if sources is None else in_words(sources)
    reference = None
    if measure in ("auto", "latent"):
        reference = latent_reference(encode_training(scored.model, splits).latents.z)
    choice = Choice(measure, f"{measure}, as asked for.")
    if measure == "auto" and reference is not None:
        choice = choose_measure(scored, splits.validation.images, reference)
    label = NormalLabel(normal)
    read = _read(run, scored, pictures, splits, choice.measure, reference, label)
    record = CalibrationRecord(
        isthmus=isthmus.__version__,
        measure=choice.measure,
        why=choice.why,
        separations=choice.separations,
        pictures=len(read.errors),
        copies=read.copies,
        source=words,
        weights=scored.weights,
    )
    calibration = Calibration(
        record,
        np.sort(read.errors),
        read.hashes[np.lexsort(read.hashes.T)],  # not in the errors' order: a hash is not to tell an error
        (reference.mean, reference.whitening) if reference is not None and choice.measure == "latent" else None,
    )
    with locked(run):
        write_calibration(run, calibration)
    said = [*notices, *pictures.notices(), *label.notices("all are taken as normal")]
    if read.copies:
        verb = "is a copy" if read.copies == 1 else "are copies"
        said.append(
            f"{counted(read.copies, 'picture')} {verb}, pixel for pixel, of another and not counted: a copy is no "
            "further evidence."
        )
    return Calibrated(calibration, _allows(len(read.errors)), tuple(said))


def _own_test(scored: ScoredModel, splits: Splits) -> HeldPictures:
    names, labels = splits.class_names, splits.test.labels
    known: Sequence[str | None] = ()
    if labels is not None and names:
        known = [names[label] if 0 <= label < len(names) else None for label in labels.tolist()]
    return HeldPictures(scored.model, splits.test.images, "test:", known)


def _read(
    run: Path,
    scored: ScoredModel,
    pictures: NamedPictures,
    splits: Splits,
    measure: str,
    reference: LatentReference | None,
    label: NormalLabel,
) -> _Read:
    known = known_pictures(splits, mirrored=scored.mirrors)
    errors, hashes = list[np.ndarray](), list[np.ndarray]()
    trained, chose, count = list[str](), list[str](), 0
    for block in pictures.blocks():
        rows = label.rows(block.labels)
        count += len(rows)
        pixels, names = block.pixels[rows], [block.names[row] for row in rows]
        if not names:
            continue
        was_trained, has_chosen = known.which(pixels)
        trained += [names[row] for row in np.flatnonzero(was_trained)]
        chose += [names[row] for row in np.flatnonzero(has_chosen)]
        if not trained and not chose:  # else they are refused, and only the names are still wanted
            errors.append(errors_of(scored, pixels, (measure,), reference).errors[measure])
            hashes.append(content_hashes(pixels))
    label.check(count)
    if trained or chose:
        raise refusal(run, count, trained, chose)
    every = np.concatenate(hashes)
    _, first = np.unique(as_keys(every), return_index=True)
    kept = np.sort(first)
    found = np.nan_to_num(np.concatenate(errors)[kept], nan=np.inf, posinf=np.inf)
    return _Read(found, every[kept], len(every) - len(kept))


def _allows(n: int) -> str:
    least = least_pictures(USUAL_LEVEL)
    more = "" if n >= least else f" The usual {percent(USUAL_LEVEL)} needs {least:,}."
    return what_n_allows(n) + more

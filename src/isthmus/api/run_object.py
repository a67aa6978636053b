"""A run folder as an object: its model, its scores and its pictures; it also shows itself in notebooks."""

from __future__ import annotations

import math
from functools import cached_property, total_ordering
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Literal, final

import numpy as np

from isthmus.api.folder_object import FolderObject
from isthmus.core.arguments import checked, notify
from isthmus.core.columns import Columns, as_table
from isthmus.core.errors import RunError
from isthmus.core.paths import AnyPath, expanded
from isthmus.evaluation.doctor.examine import read_diagnoses
from isthmus.models.autoencoder import Autoencoder
from isthmus.pages.notebook.frame import Frame
from isthmus.pages.notebook.run_view import run_view
from isthmus.run_files.arrays import PixelArray, read_pictures, read_scores
from isthmus.run_files.diagnosis import Diagnosis
from isthmus.run_files.evaluation import EvaluationRecord
from isthmus.run_files.metrics import StepRecord
from isthmus.run_files.read import read_log, read_record
from isthmus.runs.load import load_model
from isthmus.runs.run_folder import check_is_run


@final
@total_ordering
class Run(FolderObject):
    """A run folder: what `isthmus.train` returns; `Run("runs/vae")` opens one that exists.

    It stands for its folder wherever a path is taken: `open(run / "recipe.toml")`, `shutil.copytree(run, ...)`, and it
    has the methods of `pathlib.Path`. Files are read when they are asked for, so the object is never out of date; only
    the model is kept. Raises InputError where the folder is no run.

    >>> import isthmus as ist
    >>> run = ist.Run("runs/digits-10")
    >>> run.evaluation.latent_size, run.evaluation.scores["model"].psnr.mean > 10
    (10, True)
    >>> len(run.per_image()["model_psnr"]), len(run.metrics()["epoch"])
    (180, 1)
    >>> run.model.reconstruct(run.pictures()["shown/original"]).shape[1:]
    (8, 8, 1)
    """

    @checked
    def __init__(self, folder: AnyPath) -> None:
        self._path = expanded(folder, "folder")
        check_is_run(self._path)

    @cached_property
    def model(self) -> Autoencoder:
        """The trained model, in evaluation mode, on the device that suits it; `isthmus.load` takes another device.

        It is loaded once. Warns if the best weights are damaged and the last ones are used. Raises RunError if no
        weights can be read.
        """
        model, notices = load_model(self.path, "auto")
        for sentence in notices:
            notify(sentence)
        return model

    @property
    def evaluation(self) -> EvaluationRecord:
        """evaluation.json: scores with their intervals, baselines, cost, flags. Raises RunError where there is none."""
        return read_record(self.path / "evaluation.json", EvaluationRecord)

    @property
    def doctor(self) -> list[Diagnosis]:
        """What is wrong with the run, the gravest first. Raises RunError where it was never evaluated."""
        return list(read_diagnoses(self.path)[str(self.path)])

    @checked
    def metrics(self, of: Literal["epochs", "steps"] = "epochs") -> Columns:
        """How training went: one row per epoch, or per logged step; columns as in metrics.jsonl.

        Returns a pandas DataFrame, or a dictionary of NumPy arrays (N,) where pandas is not installed. A value that was
        not measured is nan. Warns about lines that cannot be read. Raises RunError where nothing was logged.
        """
        log = read_log(self.path / "metrics.jsonl")
        if log.unreadable:
            notify(f"{self.path / 'metrics.jsonl'}: {log.unreadable} lines cannot be read.")
        # a run that was killed and resumed repeats steps: the last line of each is of the weights that it has
        steps = {line.step: line for line in log.lines if isinstance(line, StepRecord)}
        rows = [
            {key: value for key, value in line.model_dump().items() if key != "kind"}
            for line in (log.epochs if of == "epochs" else [steps[step] for step in sorted(steps)])
        ]
        if not rows:
            raise RunError(f"{self.path / 'metrics.jsonl'}: holds no {of}; train the run on with resume=True")
        names = dict.fromkeys(name for row in rows for name in row)
        return as_table({name: np.array([_number(row.get(name)) for row in rows]) for name in names})

    def per_image(self) -> Columns:
        """The scores of each held-out image, one row per image, in the order of the test images.

        Columns: `index` of the image, `label` where there are labels (a place in `evaluation.data.class_names`), and
        `model_psnr`, `pca_psnr` and so on for each measure. Returns what `metrics` does; raises as `evaluation`.
        """
        return as_table(_found(read_scores, self.path / "per_image.parquet"))

    def pictures(self) -> dict[str, PixelArray]:
        """The pictures of its page by name, each (n, H, W, C), uint8 or uint16.

        `shown/original`, `shown/output` and `shown/pca` are the same held-out images; `best/...` and `worst/...` those
        with the highest and the lowest PSNR; `shown/noisy` and `shown/denoised` with noise; `samples` are new images.
        Raises as `evaluation`.
        """
        found = _found(read_pictures, self.path / "pictures.safetensors")
        return {name: images.transpose(0, 2, 3, 1).copy() for name, images in found.items()}

    @checked
    def explorer(self, *, embed: bool = False, height: int = 760) -> Frame:
        """The page that runs the model in the browser, as a frame for notebooks. Arguments as of `Study.explorer`."""
        return self._framed((), embed=embed, height=height)

    def _repr_html_(self) -> str:
        return run_view(self.path)

    def __rtruediv__(self, home: AnyPath) -> Path:
        return home / self.path

    def __eq__(self, other: object) -> bool:
        """Equal to its folder: code that compares what `train` returned with a path goes on to work."""
        if isinstance(other, Run):
            return self.path == other.path
        return self.path == other if isinstance(other, PurePath) else NotImplemented

    def __lt__(self, other: Run | PurePath) -> bool:
        return self.path < (other.path if isinstance(other, Run) else other)

    def __hash__(self) -> int:
        return hash(self.path)

    if not TYPE_CHECKING:  # `run.path` has all of this with its types

        def __getattr__(self, name: str) -> Any:
            """The methods of `pathlib.Path`: `train` returned one before."""
            if name.startswith("_") or name not in dir(Path):
                raise AttributeError(f"a Run has no {name!r}")
            return getattr(self.path, name)


def _found(read: Any, path: Path) -> Any:
    """What `read` reads from `path`. Raises RunError where it is missing."""
    try:
        return read(path)
    except FileNotFoundError:
        raise RunError(f"{path}: is missing; `isthmus evaluate {path.parent}` writes it") from None


def _number(value: Any) -> Any:
    return math.nan if value is None else value

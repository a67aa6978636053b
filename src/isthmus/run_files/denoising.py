"""denoising.json: how well a model removes noise, beside methods without training: what `evaluate --noise` found."""

from __future__ import annotations

from isthmus.run_files.evaluation import Checkpoint
from isthmus.run_files.record import Count, FileRecord, Finite, Record
from isthmus.run_files.scores import IntervalRecord, MeasureRecord, Score

METHODS = {
    "noisy_input": "noisy input itself",
    "model": "this model",
    "median": "median filter",
    "tv": "total variation",
    "nl_means": "non-local means",
    "wavelet": "wavelets",
}
"""What the keys of `scores` are called, in the order of tables."""


class DenoisingRecord(Record):
    """Scores on held-out images with noise of one strength, compared with the images without noise."""

    noise_std: Finite
    """Standard deviation of the noise, on the [-1, 1] scale."""
    images: Count
    """Test images that were scored."""
    of: Count
    """Test images that there are."""
    measures: dict[str, MeasureRecord]
    """Descriptions of the measures in `scores`."""
    scores: dict[str, Score]
    """`noisy_input`, `model`, and methods without training: `median`, `tv`, `nl_means`, `wavelet`."""
    settings: dict[str, Finite]
    """The parameter of each method without training: the best of several on `tuned_on` validation images."""
    tuned_on: Count
    """Validation images on which the methods without training were tuned."""
    best_untrained: str
    """The method without training with the highest mean PSNR."""
    against_best: IntervalRecord
    """Paired difference of the PSNR, model minus that method, in dB."""
    sentence: str
    """The comparison in words."""


class DenoisingFile(FileRecord):
    """denoising.json."""

    isthmus: str = ""
    """Version of isthmus that wrote it."""
    checkpoint: Checkpoint
    """The weights that were scored."""
    strengths: tuple[DenoisingRecord, ...]
    """One entry for each strength of the noise, the weakest first."""

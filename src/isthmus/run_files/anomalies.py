"""anomalies.json: how well a run's errors tell labelled anomalies from normal pictures, when that was last scored."""

from __future__ import annotations

from pydantic import Field

from isthmus.run_files.record import Count, FileRecord, Real, Record, SquaredError
from isthmus.run_files.scores import IntervalRecord


class Separation(Record):
    """How well one method tells anomalies from normal pictures."""

    auroc: IntervalRecord
    """Probability that an anomaly has a larger error than a normal picture; DeLong's interval on the logit scale."""
    average_precision: IntervalRecord
    """Mean precision at each anomaly, from the largest error down; its interval is a bootstrap over pictures."""


class Kind(Record):
    """One kind of anomaly, as the source labels it."""

    pictures: Count
    """Number of its pictures."""
    auroc: IntervalRecord
    """As in `Separation`, of this kind alone against the normal pictures."""
    flagged: Real
    """Share of its pictures that are flagged."""


class AnomalyRecord(FileRecord):
    """anomalies.json."""

    isthmus: str = ""
    """Version of isthmus that wrote it."""
    weights: str
    """Hash of the weights that were scored."""
    measure: str
    """The measure of the errors, as in the calibration."""
    normal: str
    """The label of the normal pictures."""
    normal_pictures: Count
    """How many normal pictures were scored."""
    anomalies: Count
    """How many other pictures were scored."""
    left_out: Count = 0
    """Pictures that are not counted because they were trained on, used to choose weights, or calibrated on."""
    level: Real
    """The false-alarm rate asked for."""
    false_alarms: Real
    """Share of the normal pictures that were flagged."""
    detected: Real
    """Share of the anomalies that were flagged."""
    methods: dict[str, Separation]
    """`model`, `pca` (its reconstruction error) and `pixel_neighbours` (distance to the nearest training image)."""
    over: dict[str, IntervalRecord] = Field(default_factory=dict)
    """AUROC of the model minus that of another method, on the same pictures; DeLong's paired interval."""
    kinds: dict[str, Kind] = Field(default_factory=dict)
    """The kinds of anomaly, by label."""
    reconstruction: IntervalRecord
    """AUROC of the model's mean squared error, whatever the measure: what the doctor looks at."""
    normal_mse: SquaredError
    """Mean squared error of the normal pictures' reconstructions."""
    anomaly_mse: SquaredError
    """Mean squared error of the anomalies' reconstructions."""
    pca: str = ""
    """PCA in words."""
    neighbours_of: Count = 0
    """Training images among which the nearest one was looked for."""

    @property
    def chance(self) -> float:
        """The average precision of random errors on these pictures: the share of anomalies."""
        return self.anomalies / (self.anomalies + self.normal_pictures)

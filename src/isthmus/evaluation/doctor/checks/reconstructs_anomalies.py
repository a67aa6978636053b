"""Does it reconstruct labelled anomalies as well as normal pictures?"""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import ALWAYS, Fault
from isthmus.evaluation.doctor.found_anomalies import anomaly_fault
from isthmus.evaluation.doctor.measurements import Measurements
from isthmus.evaluation.interfaces import Check


class ReconstructsAnomalies(Check):
    """The squared error of labelled anomalies is not measurably larger than that of normal pictures.

    An autoencoder that has learned to copy pictures of any kind does that: its error says nothing about anomalies. Only
    runs that have scored labelled anomalies (`isthmus score --normal`) are checked.
    """

    states = ALWAYS

    def look(self, measured: Measurements) -> Fault | None:
        return None if measured.anomalies is None else anomaly_fault(measured.anomalies, measured.recipe)

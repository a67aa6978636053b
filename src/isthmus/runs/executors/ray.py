"""Runs as actors of Ray, which outlive the command and are started again where their process dies."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from isthmus.runs.executors.cluster import Cluster, JobState, Placement
from isthmus.runs.executors.on_node import INTERRUPTED, last_line
from isthmus.runs.executors.ray_connection import LOCAL, NAMESPACE, connect, library
from isthmus.runs.executors.ray_options import read_options
from isthmus.runs.executors.ray_worker import Worker

_MOST_RESTARTS = 50
_ASK_SECONDS = 0.5
_PASSED_ON = ("ISTHMUS_DATA", "XDG_CACHE_HOME", "PYTHONPATH", "OMP_NUM_THREADS")  # the cluster has its own environment


class Ray(Cluster):
    """address: HOST:PORT or ray://HOST:PORT; None is RAY_ADDRESS, else a Ray on this computer alone.

    options: see ray_options.py. Without `gpus` a run gets one where the cluster has any, unless its device is the CPU.
    """

    kind = "ray"

    def __init__(self, address: str | None, options: Mapping[str, str]) -> None:
        """Raises InputError for options that do not fit."""
        self.address = address or os.environ.get("RAY_ADDRESS") or LOCAL
        self.outlives_command = self.address != LOCAL
        self.resources = read_options(options)
        self._words: dict[str, str] = {}
        self._workers: dict[str, Any] = {}
        self._answers: dict[str, tuple[Any, Any]] = {}  # id -> (begun, end): what was asked of the worker

    def check(self) -> None:
        connect(self.address)

    def find(self, names: Sequence[str]) -> Mapping[str, str]:
        return {name: name for name in names if self._worker(name) is not None}

    def submit(self, placement: Placement) -> str:
        ray = library()
        resources = dict(self.resources)
        if "num_gpus" not in resources and placement.job.recipe.train.device != "cpu":
            resources["num_gpus"] = min(1, ray.cluster_resources().get("GPU", 0))
        lasting = {"lifetime": "detached", "max_restarts": _MOST_RESTARTS, "max_concurrency": 4}
        name = placement.name
        while self._worker(name) is not None:  # of the try before, which is about to go
            name += "-again"
        actor: Any = ray.remote(Worker).options(name=name, namespace=NAMESPACE, **lasting, **resources)
        environment = {variable: os.environ[variable] for variable in _PASSED_ON if variable in os.environ}
        self._workers[name] = actor.remote(placement.command, environment)
        return name

    def requeue(self, id: str, placement: Placement) -> str:
        return self.submit(placement)

    def states(self, ids: Sequence[str]) -> Mapping[str, JobState]:
        ray = library()
        for id in ids:
            if id not in self._answers and (worker := self._worker(id)) is not None:
                self._answers[id] = (worker.begun.remote(), worker.end.remote())
        asked = [each for id in ids for each in self._answers.get(id, ())]
        answered = set(ray.wait(asked, num_returns=len(asked), timeout=_ASK_SECONDS)[0]) if asked else set()
        return {id: self._state(id, answered) for id in ids}

    def _state(self, id: str, answered: set[Any]) -> JobState:
        ray = library()
        if id not in self._answers:
            return "gone"
        begun, end = self._answers[id]
        try:
            if end in answered:
                code, self._words[id] = ray.get(end)
                return "stopped" if code == INTERRUPTED else "failed" if code else "done"
            if begun in answered:
                ray.get(begun)
                return "running"
        except ray.exceptions.ActorDiedError as error:
            del self._answers[id]
            self._words[id] = last_line(str(error))
            return "cancelled" if "ray.kill" in str(error) else "gone"
        except ray.exceptions.RayError:  # its process died, and Ray starts it again
            del self._answers[id]
        return "waiting"

    def last_words(self, id: str) -> str:
        return self._words.get(id, "")

    def hints(self, ids: Sequence[str]) -> tuple[str, str]:
        """`ray list actors` needs Ray's dashboard, and Ray has no command that ends an actor."""
        base = f"python -m isthmus.runs.executors.ray_jobs {self.address}"
        return base, f"{base} --cancel {' '.join(ids)}"

    def cancel(self, id: str) -> None:
        """End a job; its run saves first."""
        ray = library()
        if (worker := self._worker(id)) is not None:
            ray.kill(worker, no_restart=True)

    def _worker(self, name: str) -> Any:
        """Its handle; None if there is no such actor, or not any more."""
        ray = library()
        if name not in self._workers:
            try:
                self._workers[name] = ray.get_actor(name, namespace=NAMESPACE)
            except ValueError:
                return None
        return self._workers[name]

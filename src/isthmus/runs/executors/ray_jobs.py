"""`python -m isthmus.runs.executors.ray_jobs ADDRESS [--cancel NAME ...]`: isthmus's jobs on a Ray cluster."""

from __future__ import annotations

import sys

from isthmus.core.errors import InputError
from isthmus.runs.executors.ray import Ray
from isthmus.runs.executors.ray_connection import NAMESPACE, library


def main() -> None:
    """Print how each job stands, or end those that are named: they save, and another command goes on with them."""
    address, *names = sys.argv[1:] or ["auto"]
    cluster = Ray(address, {})
    try:
        cluster.check()
    except InputError as error:
        sys.exit(f"isthmus: {error}")
    if names[:1] == ["--cancel"]:
        for name in names[1:]:
            cluster.cancel(name)
        return
    jobs = [
        each["name"] for each in library().util.list_named_actors(all_namespaces=True) if each["namespace"] == NAMESPACE
    ]
    for name, state in sorted(cluster.states(jobs).items()):
        print(f"{name}  {state}")


if __name__ == "__main__":
    main()

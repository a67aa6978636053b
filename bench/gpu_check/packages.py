"""Which packages isthmus needs on a machine that may have nothing but PyTorch. Nothing here imports one of them."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Package:
    """A package by the name of its module and of its distribution.

    least: the oldest version that isthmus works with, or None where any will do.
    with_: distributions that come along with it, because their versions must fit together.
    """

    module: str
    distribution: str
    least: str | None = None
    with_: tuple[str, ...] = ()


# What every part needs comes first; only evaluations, studies and parquet
# files need those from scipy on, which are large.
NEEDED = (
    Package(
        "pydantic", "pydantic", "2.7", ("pydantic-core", "annotated-types", "typing-inspection", "typing-extensions")
    ),
    Package("tomli_w", "tomli-w", "1.0"),
    Package("safetensors", "safetensors", "0.5"),
    Package("filelock", "filelock", "4.3"),
    Package("typer", "typer", "0.15", ("click", "shellingham", "annotated-doc")),
    Package("rich", "rich", "13.7", ("markdown-it-py", "mdurl", "pygments")),
    Package("jinja2", "jinja2", "3.1", ("markupsafe",)),
    Package("threadpoolctl", "threadpoolctl", "3.1"),
    Package("PIL", "pillow", "10.3"),
    Package("scipy", "scipy", "1.10"),
    Package("pyarrow", "pyarrow", "16"),
    Package("sklearn", "scikit-learn", "1.6", ("joblib", "narwhals", "cloudpickle")),
    Package("onnx", "onnx", "1.17", ("protobuf", "ml-dtypes", "typing-extensions")),
    Package("onnxscript", "onnxscript", "0.5", ("onnx-ir", "packaging", "sympy", "mpmath")),
    Package("onnxruntime", "onnxruntime", "1.20", ("flatbuffers", "packaging", "protobuf")),
)


def missing() -> list[Package]:
    """Those of `NEEDED` that are not here, or too old."""
    return [package for package in NEEDED if not _is_here(package)]


def installed(names: tuple[str, ...]) -> Mapping[str, str]:
    """Distribution -> its version here, of those that are here."""
    found: dict[str, str] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _is_here(package: Package) -> bool:
    if importlib.util.find_spec(package.module) is None:
        return False
    if package.least is None:
        return True
    try:
        here = importlib.metadata.version(package.distribution)
    except importlib.metadata.PackageNotFoundError:
        return True  # importable, of an unknown version
    return _numbers(here) >= _numbers(package.least)


def _numbers(version: str) -> tuple[int, ...]:
    """Of `2.11.0+cu130`: (2, 11, 0)."""
    parts = version.partition("+")[0].split(".")
    return tuple(int("".join(filter(str.isdigit, part)) or 0) for part in parts)

"""Packages put on the path as pip leaves them: modules beside a folder of metadata. It is faster than pip."""

from __future__ import annotations

import shutil
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

from isthmus.core import registry

EXAMPLE = Path(__file__).parent / "example_part"
Entries = Mapping[str, Mapping[str, str]]


def install_example(site: Path) -> None:
    """The example as its pyproject.toml describes it."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    module = EXAMPLE / "isthmus_example_part.py"
    install(site, project["name"], project["version"], project["entry-points"], {module.name: module.read_text()})


def install(site: Path, name: str, version: str, entries: Entries, files: Mapping[str, str]) -> None:
    """Package `name`; entries: group -> kind -> "module:Class". files: name -> text."""
    metadata = site / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    groups = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in kinds.items()) for group, kinds in entries.items()]
    (metadata / "entry_points.txt").write_text("\n".join(groups))
    for file, text in files.items():
        (site / file).parent.mkdir(exist_ok=True)
        (site / file).write_text(text)
    forget(site)


def uninstall_all(site: Path) -> None:
    forget(site)
    shutil.rmtree(site)
    site.mkdir()


def forget(site: Path) -> None:
    """What this process knows of packages in `site`; a new process knows nothing."""
    registry.refresh()
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None) or "").startswith(str(site)):
            del sys.modules[name]

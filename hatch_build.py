"""Build the explorer's script while isthmus is installed, where npm is present; without it everything else works.

ISTHMUS_EXPLORER=built takes the script that is there, and fails where it is not: `make wheel` has built it before.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUNDLE = Path("src", "isthmus", "pages", "explorer", "bundle")
_FILES = ("explorer.js", "explorer.css", "runtime.wasm.gz")


class ExplorerHook(BuildHookInterface):
    """`npm ci` and `npm run build` in web/, which write src/isthmus/pages/explorer/bundle/."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        web = Path(self.root, "web")
        npm = shutil.which("npm")
        built = all(Path(self.root, _BUNDLE, name).is_file() for name in _FILES)
        if os.environ.get("ISTHMUS_EXPLORER") == "built":
            if not built:
                raise RuntimeError(
                    f"{_BUNDLE}: the explorer's script is missing; `npm --prefix web run build` makes it"
                )
            return
        if not web.is_dir():
            return
        if npm is None:
            if not built:
                self.app.display_warning("npm is not here, so `isthmus explore` will not work; the rest does")
            return
        for command in (["ci"], ["run", "build"]):
            done = subprocess.run([npm, "--prefix", str(web), *command], capture_output=True, text=True)
            if done.returncode:
                print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
                self.app.display_warning(f"npm {' '.join(command)} failed, so `isthmus explore` will not work")
                return

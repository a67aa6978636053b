"""Reading an explorer page back, and a stand-in for the script that npm builds."""

from __future__ import annotations

import base64
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load


def fake_bundle(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "explorer.js").write_text("console.log('a script')")
    (folder / "explorer.css").write_text("body { color: black }")
    (folder / "runtime.wasm.gz").write_bytes(gzip.compress(b"wasm"))
    return folder


class PageFile:
    """What docs/explorer-page.md says a page holds."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8")
        (told,) = re.findall(r'<script type="application/json" id="about">(.*?)</script>', self.text, re.DOTALL)
        self.about: dict[str, Any] = json.loads(told)
        self.names = re.findall(r'<script type="text/plain" id="blob-([\w-]+)">', self.text)

    def blob(self, name: str) -> bytes:
        (content,) = re.findall(rf'<script type="text/plain" id="blob-{name}">(.*?)</script>', self.text)
        return gzip.decompress(base64.b64decode(content))

    def tensors(self, name: str) -> dict[str, np.ndarray]:
        return load(self.blob(name))

"""One rate of `bench.encode_rate`: `encode`, or the model alone. Prints JSON as its last line.

encode: what `isthmus encode` does between loading the model and printing: reads the .npy, hashes, encodes, decodes,
scores and writes parquet. bare: encoder and decoder on the same pixels in memory, in isthmus's pieces and
threads. plain: the same as a plain loop over batches, in PyTorch's own threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isthmus.inference.encode import about_latents, encoded
from isthmus.inference.latents_file import writing
from isthmus.inference.named_images import NamedImages
from isthmus.models.autoencoder import Autoencoder
from isthmus.models.batched import batched
from isthmus.models.pixels import to_unit
from isthmus.recipes.study_plan import load_recipe
from isthmus.training.devices import choose_device

_BATCH = 256


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("encode", "bare", "plain"))
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="of the file's images")
    parser.add_argument("--device", default="auto")
    asked = parser.parse_args()
    torch.manual_seed(0)
    model = Autoencoder(load_recipe("post/latent-10", {}), (3, 32, 32)).eval()
    model.to(choose_device(asked.device, "device"))
    held = np.load(asked.images, mmap_mode="r")
    _run(model, "plain", asked.images, held[: 2 * _BATCH])  # the first pass also chooses algorithms
    _wait(model)
    begun = time.perf_counter()
    _run(model, asked.what, asked.images, held[: asked.count])
    _wait(model)
    seconds = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images_per_second": asked.count / seconds, "peak_mib": peak, "seconds": seconds}))


def _run(model: Autoencoder, what: str, file: Path, images: np.ndarray) -> None:
    if what == "encode":
        _encode(model, file, len(images))
        return
    # as large a block at a time as `encode` has in memory
    for start in range(0, len(images), 20 * _BATCH):
        pixels = torch.from_numpy(np.ascontiguousarray(images[start : start + 20 * _BATCH].transpose(0, 3, 1, 2)))
        if what == "bare":
            batched(model, lambda part: _forward(model, part), pixels)
            continue
        with torch.inference_mode():
            for part in pixels.split(_BATCH):
                _forward(model, part.to(model.device))


def _forward(model: Autoencoder, pixels: Tensor) -> Tensor:
    return model.decode_latents(model.latent(to_unit(pixels))[1].z)


def _encode(model: Autoencoder, file: Path, count: int) -> None:
    with tempfile.TemporaryDirectory() as home:
        images = NamedImages(file, model.form, quiet=True)
        assert len(images) == count
        about, out = about_latents(Path("bench"), model), Path(home) / "latents.parquet"
        with writing(out, about, labels=False, names=False) as writer, encoded(model, images) as blocks:
            for block in blocks:
                writer.write(block)


def _wait(model: Autoencoder) -> None:
    if model.device.type == "cuda":
        torch.cuda.synchronize()


if __name__ == "__main__":
    main()

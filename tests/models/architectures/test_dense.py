"""The dense architecture: layers of the chosen widths, in a run like any other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

import isthmus as ist
from isthmus.models.architectures.dense import Dense
from isthmus.recipes.recipe import Recipe


def test_layers_have_the_chosen_widths_and_the_decoder_mirrors_them() -> None:
    built = Dense((3, 4, 5), widths=[20, 7], activation="relu")

    def sizes(part: nn.Module) -> list[tuple[int, int]]:
        return [(one.in_features, one.out_features) for one in part.modules() if isinstance(one, nn.Linear)]

    assert sizes(built.encoder) == [(60, 20), (20, 7)]
    assert sizes(built.decoder) == [(7, 20), (20, 60)]
    assert sum(isinstance(one, nn.ReLU) for one in built.modules()) == 3  # none after the last layer


def test_its_output_has_no_bounds() -> None:
    built = Dense((1, 1, 4), widths=[3])
    with torch.no_grad():
        assert built.decoder(1000 * torch.ones(1, 3, 1, 1)).abs().max() > 1


def test_it_trains_and_is_exported(
    tiny: Callable[..., Recipe], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISTHMUS_DATA", str(tmp_path / "cache"))
    data = {"kind": "scenes", "train": 60, "test": 10}
    options = {"architecture.widths": [16, 8], "bottleneck.dim": 4, "train.epochs": 1, "train.device": "cpu"}
    run = ist.train("dense", data=data, out=tmp_path / "run", options=options, show_progress=False)
    model, made = ist.load(run), ist.export(run)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(made / "encoder.onnx")
    (name,) = (one.name for one in session.get_inputs())
    (z,) = session.run(None, {name: images.transpose(0, 3, 1, 2).astype(np.float32)})
    np.testing.assert_allclose(z, model.encode(images), rtol=1e-3, atol=1e-3)

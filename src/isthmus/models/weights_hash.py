"""Identifies a trained model by its numbers: one hash of all parameters and running statistics."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn


def weights_hash(*modules: nn.Module) -> str:
    """`sha256:...` of the modules' states, the same on every device and for every file that holds these numbers."""
    return tensors_hash(*(module.state_dict() for module in modules))


def tensors_hash(*states: Mapping[str, Tensor]) -> str:
    """`weights_hash` of modules with these states."""
    whole = hashlib.sha256()
    for state in states:
        for name, tensor in sorted(state.items()):
            held = tensor.detach().cpu().contiguous()
            whole.update(f"{name} {held.dtype} {tuple(held.shape)}\n".encode())
            whole.update(held.reshape(-1).view(torch.uint8).numpy().data)
    return f"sha256:{whole.hexdigest()}"

"""Identifies a trained model by its numbers: one hash of all parameters and running statistics."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def weights_hash(*modules: nn.Module) -> str:
    """`sha256:...` of the modules' states, the same on every device and for every file that holds these numbers."""
    whole = hashlib.sha256()
    for module in modules:
        for name, tensor in sorted(module.state_dict().items()):
            held = tensor.detach().cpu().contiguous()
            whole.update(f"{name} {held.dtype} {tuple(held.shape)}\n".encode())
            whole.update(held.reshape(-1).view(torch.uint8).numpy())
    return f"sha256:{whole.hexdigest()}"

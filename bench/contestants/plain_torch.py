"""A carefully written plain PyTorch loop; bf16 by autocast if requested."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from bench import network
from bench.contestants._common import LEARNING_RATE, Losses, Stopwatch, options, random_images, report, scaled


def train() -> None:
    """The loop; returns when the stopwatch is done."""
    losses = Losses()
    while True:
        for (x,) in loader:
            x = x.to(device, non_blocking=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=given.precision == "bf16"):
                loss = F.mse_loss(model(x), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.add(loss.detach())
            if watch.step(len(x), losses.mean):
                return


given = options("fp32", "bf16")
torch.set_num_threads(given.threads)
device = torch.device(given.device)
dataset = TensorDataset(torch.from_numpy(scaled(random_images(given.images))))
loader = DataLoader(dataset, batch_size=given.batch, shuffle=True, pin_memory=device.type == "cuda")
model = nn.Sequential(network.encoder(), network.decoder()).to(device)
optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
watch = Stopwatch(given.seconds, torch.cuda.synchronize if device.type == "cuda" else lambda: None)
train()
report("plain", given, watch, given.precision, torch=torch.__version__)

"""The machine's own matrix rate: the fastest of several products, in GFLOP/s, in fp32 and bf16.

Prints one line of JSON last, as the contestants do: {"fp32": ..., "bf16": ..., "fp32_kept_up": ..., ...}. What is kept
up is the rate of the median product, of the shape that is best in it: some machines multiply three times as fast for
a moment as they do for a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time

import torch

# (M, K) x (K, N): square products, and one as tall as that of a convolution
SHAPES = {
    "cpu": ((512, 512, 512), (1024, 1024, 1024), (2048, 2048, 2048), (16384, 576, 64)),
    "cuda": ((4096, 4096, 4096), (8192, 8192, 8192), (16384, 16384, 16384)),
}


def matrix_rates(shape: tuple[int, int, int], dtype: torch.dtype, device: str, seconds: float) -> tuple[float, float]:
    """Fastest and median rate in GFLOP/s of the products (M, K) x (K, N) that fit into `seconds`, at least one."""
    m, k, n = shape
    a, b = torch.randn(m, k, device=device).to(dtype), torch.randn(k, n, device=device).to(dtype)
    out = torch.empty(m, n, device=device, dtype=dtype)
    torch.mm(a, b, out=out)
    taken: list[float] = []
    ends = time.perf_counter() + seconds
    while not taken or time.perf_counter() < ends:
        _wait(device)
        begun = time.perf_counter()
        torch.mm(a, b, out=out)
        _wait(device)
        taken.append(time.perf_counter() - begun)
    gflop = 2 * m * k * n / 1e9
    return gflop / min(taken), gflop / statistics.median(taken)


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=2.0, help="for each shape and precision")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=tuple(SHAPES), default="cpu")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    rates: dict[str, float] = {}
    for name, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        found = [matrix_rates(shape, dtype, given.device, given.seconds) for shape in SHAPES[given.device]]
        rates[name], rates[f"{name}_kept_up"] = map(max, zip(*found, strict=True))
    print(json.dumps(rates), flush=True)


if __name__ == "__main__":
    main()

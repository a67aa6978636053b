"""Claims of isthmus, each measured with its own code: each function returns the result and whether the claim holds."""

from __future__ import annotations

import hashlib
import math
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch.distributions import Independent, MixtureSameFamily, Normal
from torch.distributions.categorical import Categorical

from bench.attack import STUDY, attack_from_a_fresh_process, quick_verbs
from bench.coverage import GOAL, IMAGES, LUCKS, SEEDS, TAILS, Case, covered
from isthmus.core import registry
from isthmus.core.streams import PURPOSES, stream
from isthmus.core.values import Posterior
from isthmus.evaluation.baselines import pca
from isthmus.models.bottlenecks.hypersphere import kl_to_uniform

Measured = tuple[str, bool]
_SCENES = ("data.kind=scenes", "data.train=120", "data.test=16", "data.size=16")
_TINY = (*_SCENES, "bottleneck.dim=3", "train.steps=6", "train.batch=16", "train.device=cpu", "-q")


def isthmus(*words: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line in its own process, as a user does."""
    command = [sys.executable, "-m", "isthmus", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=600)


def same_bits(home: Path) -> Measured:
    """Train `factor-vae` twice in separate processes; its discriminator once started without a seed."""
    found: set[str] = set()
    for name in ("once", "again"):
        done = isthmus("train", "families/factor-vae", *_TINY, "-o", home / name, cwd=home)
        if done.returncode:
            return done.stderr[-200:], False
        weights = sorted((home / name / "checkpoints").rglob("*.safetensors"))
        found.add(hashlib.sha256(b"".join(path.read_bytes() for path in weights)).hexdigest()[:12])
    return f"{len(found)} different set(s) of weights in 2 processes: {', '.join(sorted(found))}", len(found) == 1


def streams(_: Path) -> Measured:
    """All purposes, 64 seeds and 200 counters give different seeds in the 32 bits that PyTorch's generator reads."""
    cells = [(p, s, c) for p in PURPOSES for s in range(64) for c in range(200)]
    distinct = len({stream(*cell) & 0xFFFFFFFF for cell in cells})
    return f"{len(cells) - distinct} shared of {len(cells):,}", distinct == len(cells)


def mixture(_: Path) -> Measured:
    """log p(z) of a mixture of narrow components, sigma 0.001 in 64 dimensions, against float64."""
    generator = torch.Generator().manual_seed(1)
    means = torch.randn(8, 64, generator=generator) + 3
    posterior = Posterior(means, torch.full((8, 64), 2 * math.log(0.001)))
    prior = registry.build("priors", "vamp", {"components": 8}, (64,), (3, 4, 4))
    z = means + 0.001 * torch.randn(8, 64, generator=generator)
    parts = Independent(Normal(means.double(), (0.5 * posterior.log_variance.double()).exp()), 1)
    exact = MixtureSameFamily(Categorical(logits=torch.zeros(8, dtype=torch.float64)), parts).log_prob(z.double())
    error = (prior(z, lambda _: posterior).double() - exact).abs().max().item()
    return f"{error:.2g} nats off", error < 1e-3


def power_spherical(_: Path) -> Measured:
    """KL to the uniform distribution in 3 dimensions: log(1 + k) - k / (1 + k)."""
    k = 1e6
    found, exact = kl_to_uniform(torch.tensor([k]), 3).item(), math.log1p(k) - k / (1 + k)
    return f"{found:.4f} for {exact:.4f}", abs(found - exact) < 1e-3


def components(_: Path) -> Measured:
    """PCA's error against scikit-learn's on the same images."""
    from sklearn.decomposition import PCA

    images = np.random.default_rng(0).integers(0, 256, (200, 3, 6, 6), dtype=np.uint8)
    rows = images.reshape(200, -1) / 255
    theirs = PCA(12, svd_solver="full").fit(rows)
    exact = float(np.square(theirs.inverse_transform(theirs.transform(rows)) - rows).mean())
    found = float(pca.fit(images, 12).unrounded_mse(images, 12).mean())
    return f"{found:.7f} for {exact:.7f}", abs(found / exact - 1) < 1e-4


def coverage(_: Path) -> Measured:
    """The lowest coverage of all 96 cells, 400 experiments each; bench.coverage uses 2,500."""
    cells = [Case(s, n, tail, luck) for s in SEEDS for n in IMAGES for tail in TAILS for luck in LUCKS]
    shares = {cell: covered(cell, 400, seed=7) for cell in cells}
    worst = min(shares, key=lambda cell: shares[cell])
    # the lowest of 96 shares, each from 400 experiments, is about three standard errors too low
    slack = 3 * math.sqrt(GOAL * (1 - GOAL) / 400)
    return f"{shares[worst]:.1%} in {worst}", shares[worst] >= GOAL - slack


def attack(home: Path) -> Measured:
    """Ten damaged run folders against every quick verb; bench.attack takes 300 against all."""
    outcome = attack_from_a_fresh_process(count=10, seed=3, verbs=quick_verbs(home))
    return outcome.value, outcome.holds


def hostile_link(home: Path) -> Measured:
    """A link beside report.html in a run folder, and report.html itself as a link."""
    isthmus("train", "vae", *_TINY, "-o", home / "run", cwd=home)
    victim = home / "victim"
    victim.write_text("precious")
    for name in ("report.html.new", "report.html"):
        (home / "run" / name).unlink(missing_ok=True)
        (home / "run" / name).symlink_to(victim)
        done = isthmus("report", home / "run", cwd=home)
        if done.returncode or victim.read_text() != "precious":
            return f"{name}: exit code {done.returncode}, the file holds {victim.read_text()[:20]!r}", False
    return "2 links, nothing written through", True


def device(home: Path) -> Measured:
    """`sample -o /dev/null` does not replace the device by a file."""
    done = isthmus("sample", home / "run", "-n", 4, "-o", "/dev/null", cwd=home)
    still = stat.S_ISCHR(os.stat("/dev/null").st_mode)
    return f"exit code {done.returncode}, a device: {still}", still and done.returncode in (0, 2)


def escaping_name(home: Path) -> Measured:
    """A valid study file, except for its name `../site`."""
    (home / "here").mkdir()
    (home / "here" / "study.toml").write_text(STUDY.replace('"small"', '"../site"'))
    done = isthmus("study", "study.toml", cwd=home / "here")
    lines = [line for line in done.stderr.splitlines() if line.startswith("isthmus: ")]
    held = done.returncode == 2 and "../site" in done.stderr and not list(home.rglob("site"))
    return f"exit code {done.returncode}: {lines[0] if lines else done.stderr[-100:]}", held


MEASURED: Mapping[str, Callable[[Path], Measured]] = {
    "factor-vae at seed 0 has the same bits in two processes": same_bits,
    "purposes, seeds and counters share no stream": streams,
    "a VampPrior's density at sigma 0.001 is exact": mixture,
    "power spherical KL at dim 3, kappa 1e6": power_spherical,
    "PCA is scikit-learn's": components,
    "95 % intervals hold in 93 % of experiments in every cell": coverage,
    "damaged run folders: one sentence, no traceback, no signal": attack,
    "a hostile run folder overwrites nothing elsewhere": hostile_link,
    "-o onto a device leaves it": device,
    "a study's name leads nowhere else": escaping_name,
}

"""Fabricated run and study folders that follow docs/run-folder.md, for looking at pages and for testing them."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw, ImageFilter
from safetensors.numpy import save_file

from isthmus.core.pixels import levels
from isthmus.recipes.study_plan import load_plan, load_recipe
from isthmus.runs.study_file import write_plan

CLASSES = ["circle", "square", "triangle"]
DATA = {
    "kind": "scenes",
    "source": "scenes: drawn shapes, 32x32",
    "train_images": 7261,
    "validation_images": 807,
    "test_images": 500,
    "hash": "sha256:5f2a9c",
    "image_shape": [3, 32, 32],
    "class_names": CLASSES,
}
SHOWN = 15
NOTE = "12 epochs rather than 40, for its cost."
FAILURE = "the loss became nan at step 1,234 (learning rate 0.003)"
# name: (latent size, final PSNR, PCA's PSNR, multiply-adds, blur radius of the fabricated outputs)
VARIATIONS = {
    "latent-10": (10, 16.85, 17.33, 44e6, 4.0),
    "denoise": (10, 16.83, 17.33, 44e6, 4.2),
    "latent-512": (512, 24.9, 30.34, 48e6, 1.2),
    "many-layers": (512, 25.1, 30.34, 1.2e9, 1.1),
}


def draw_images(count: int, seed: int = 0) -> np.ndarray:
    """Shapes over gradients, (count, 3, 32, 32) uint8."""
    random = np.random.default_rng(seed)
    images = []
    for index in range(count):
        ramp = np.linspace(0, 1, 128)[:, None, None]
        top, bottom = random.integers(40, 220, (2, 3))
        sky = np.broadcast_to(top * (1 - ramp) + bottom * ramp, (128, 128, 3)).astype(np.uint8)
        image = Image.fromarray(np.ascontiguousarray(sky))
        pen = ImageDraw.Draw(image)
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        x, y, r = (int(value) for value in random.integers(36, 84, 3) * (1, 1, 0.6))
        corners = [(x - r, y - r), (x + r, y + r)]
        if index % 3 == 0:
            pen.ellipse(corners, fill=colour)
        elif index % 3 == 1:
            pen.rectangle(corners, fill=colour)
        else:
            pen.polygon([(x, y - r), (x - r, y + r), (x + r, y + r)], fill=colour)
        images.append(np.asarray(image.resize((32, 32), Image.Resampling.LANCZOS)).transpose(2, 0, 1))
    return np.stack(images)


def of_form(images: np.ndarray, channels: int, size: tuple[int, int], depth: int) -> np.ndarray:
    """RGB images (N, 3, H, W) uint8 in another form: each channel is a mixture of red, green and blue of its own."""
    high, wide = size
    mixtures = np.random.default_rng(3).dirichlet(np.ones(3), channels)
    mixed = np.einsum("nchw,mc->nmhw", images, mixtures) * ((1 << depth) - 1) / 255
    down, across = np.arange(high) * images.shape[2] // high, np.arange(wide) * images.shape[3] // wide
    return np.rint(mixed[:, :, down][..., across]).astype(np.uint8 if depth == 8 else np.uint16)


def blur(images: np.ndarray, radius: float) -> np.ndarray:
    """What a model with too small a latent would return: images (N, C, H, W) uint8 or uint16, each channel blurred."""
    step = levels(images.dtype) // 255
    clear = (images // step).astype(np.uint8).reshape(-1, *images.shape[2:])
    soft = [np.asarray(Image.fromarray(plane).filter(ImageFilter.GaussianBlur(radius))) for plane in clear]
    return np.stack(soft).reshape(images.shape).astype(images.dtype) * images.dtype.type(step)


def interval(mean: float, half: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def score(psnr: float, half: float = 0.22) -> dict[str, object]:
    mse = 10 ** (-(psnr - 0.6) / 10)
    return {
        "mse": interval(mse, mse * 0.05),
        "psnr": interval(psnr, half),
        "ssim": interval(min(0.99, 0.03 * psnr), 0.01),
        "psnr_of_mean_mse": psnr - 0.6,
    }


def pca_curve() -> list[dict[str, float]]:
    known = {1: 12.6, 4: 15.0, 8: 16.7, 16: 18.2, 32: 19.7, 64: 21.4, 128: 23.5, 256: 26.4, 512: 30.3, 1024: 37.5}
    return [
        {"components": size, "mse": 10 ** (-psnr / 10), "psnr": psnr, "psnr_of_mean_mse": psnr - 0.6}
        for size, psnr in known.items()
    ]


def cost(name: str, epochs: int) -> dict[str, object]:
    size, _, _, multiply_adds, _ = VARIATIONS[name]
    parameters = 311_181 if size == 10 else 4_424_067 if name == "latent-512" else 6_618_499
    return {
        "parameters": parameters,
        "trainable": parameters - 896,
        "encoder_parameters": parameters // 2,
        "decoder_parameters": parameters - parameters // 2,
        "multiply_adds": multiply_adds,
        "train_seconds": 512.3 if multiply_adds < 1e9 else 4310.0,
        "images_per_second": 702.1,
        "epochs": epochs,
        "best_epoch": epochs - 1,
        "steps": epochs * 227,
        "stopped": "epochs",
        "sentence": f"ran all {epochs} epochs",
        "device": "cpu",
        "precision": "bf16",
    }


def against_pca(name: str, epochs: int) -> dict[str, object]:
    """No variation ever came below PCA."""
    _, psnr, pca, _, _ = VARIATIONS[name]
    ratio = 10 ** ((pca - psnr) / 10)
    pca_mse = 10 ** (-(pca - 0.6) / 10)
    course = {"pca_mse": pca_mse, "epochs": epochs, "lowest_ratio": ratio, "since": None}
    return {"psnr": interval(psnr - pca, 0.05), "mse_ratio": ratio, "validation": course}


def latent(size: int) -> dict[str, object]:
    """A variational latent on labelled images whose causes are known."""
    return {
        "rate": {"nats": 60.4, "bits": 87.2},
        "active_units": {"count": size - 2, "of": size},
        "likelihood": {
            "elbo_nats": -9000.0,
            "importance_weighted_nats": -8990.0,
            "samples": 10,
            "bits_per_dimension": 4.2,
        },
        "labels": {
            "classes": 10,
            "linear_probe": {"model": 0.356, "pca": 0.348},
            "nearest_neighbours": {"model": 0.281, "pca": 0.292},
        },
        "factors": {
            "linear_r2": {"x": 0.97, "background_angle": 0.31},
            "mig": 0.083,
            "dci": {"disentanglement": 0.21, "completeness": 0.22, "informativeness": 0.61},
        },
    }


def doctor() -> list[dict[str, object]]:
    return [
        {
            "rule": "ignores_latent",
            "severity": "error",
            "sentence": "Its decoder ignores the latent.",
            "remedy": "Train longer.",
            "measured": {"ratio": 1.0},
        },
        {
            "rule": "too_wide",
            "severity": "note",
            "sentence": "Its latent is wider than it needs.",
            "remedy": "Try bottleneck.dim=5.",
            "measured": {"enough": 5},
        },
    ]


def build_run(
    folder: Path, name: str, seed: int = 0, *, epochs: int = 12, images: np.ndarray | None = None, **changes: object
) -> Path:
    """An evaluated run; `changes` replace keys of its evaluation.json."""
    folder.mkdir(parents=True)
    size, psnr, pca, _, radius = VARIATIONS[name]
    noisy = name == "denoise"
    scores = {"model": score(psnr), "pca": {**score(pca), "components": size}, "mean_image": score(12.2)}
    if noisy:
        scores |= {"noisy_input": score(26.1, 0.05), "denoised": score(psnr - 0.1)}
    evaluation = {
        "format": 1,
        "isthmus": "0.1.0",
        "name": name,
        "seed": seed,
        "data": DATA,
        "checkpoint": {"which": "best", "step": (epochs - 1) * 227, "epoch": epochs - 1},
        "latent_size": size,
        "scores": scores,
        "against_pca": against_pca(name, epochs),
        "pca_curve": pca_curve(),
        "cost": cost(name, epochs),
        "latent": latent(size),
        "samples": {"sampler": "mixture", "count": 30},
        "doctor": doctor() if name == "latent-10" else [],
        "flags": ["The best model was chosen on the training loss, as the post did."],
        "shown": list(range(3, 3 + SHOWN)),
        "best": list(range(30, 38)),
        "worst": list(range(50, 58)),
    }
    if noisy:
        evaluation["noise"] = "gaussian, std 0.1 on the [-1, 1] scale, seed 0"
    write_json(folder / "evaluation.json", {**evaluation, **changes})
    write_json(folder / "environment.json", environment(name, seed))
    recipe = load_recipe("demo/latent-10", {"name": name, "seed": seed, "bottleneck.dim": size, "train.epochs": epochs})
    (folder / "recipe.toml").write_text(recipe.toml())
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in metrics(name, seed, epochs)))
    images = draw_images(SHOWN + 16) if images is None else images
    save_file(pictures(images, radius, size, noisy), folder / "pictures.safetensors")
    labels = {"index": list(range(60)), "label": [index % 3 for index in range(60)]}
    pq.write_table(pa.table(labels), folder / "per_image.parquet")
    return folder


def pictures(images: np.ndarray, radius: float, size: int, noisy: bool) -> dict[str, np.ndarray]:
    shown, best, worst = images[:SHOWN], images[SHOWN : SHOWN + 8], images[SHOWN + 8 : SHOWN + 16]
    tensors = {
        "shown/original": shown,
        "shown/output": blur(shown, radius),
        "shown/pca": blur(shown, 3.8 if size == 10 else 0.6),
        "best/original": best,
        "best/output": blur(best, radius * 0.7),
        "worst/original": worst,
        "worst/output": blur(worst, radius * 1.3),
    }
    tensors["samples"] = np.random.default_rng(2).integers(
        0, levels(shown.dtype) + 1, (30, *shown.shape[1:]), dtype=shown.dtype
    )
    if noisy:
        noise = np.random.default_rng(1).normal(0, 0.05 * levels(shown.dtype), shown.shape)
        tensors["shown/noisy"] = np.clip(shown + noise, 0, levels(shown.dtype)).astype(shown.dtype)
        tensors["shown/denoised"] = blur(tensors["shown/noisy"], radius)
    return {name: np.ascontiguousarray(array) for name, array in tensors.items()}


def metrics(name: str, seed: int, epochs: int) -> list[dict[str, object]]:
    final = VARIATIONS[name][1] - 0.6
    pace = 43 if name != "many-layers" else 359
    random = np.random.default_rng(seed)
    lines: list[dict[str, object]] = [{"kind": "train", "step": 10, "epoch": 1, "seconds": 2.0, "loss": 0.3}]
    for epoch in range(1, epochs + 1):
        psnr = final - 6 * math.exp(-epoch / (epochs / 4)) + float(random.normal(0, 0.08))
        lines.append(
            {
                "kind": "epoch",
                "step": epoch * 227,
                "epoch": epoch,
                "seconds": epoch * pace * (1 + 0.05 * seed),
                "train_loss": 0.1,
                "validation_loss": 0.1,
                "validation_mse": 10 ** (-psnr / 10),
                "validation_psnr": psnr,
                "learning_rate": 1e-3,
                "images_per_second": 702.0,
                "best": True,
            }
        )
    return lines


def environment(name: str, seed: int) -> dict[str, object]:
    return {
        "command": f"isthmus train demo/{name} seed={seed}",
        "commit": "9ead46e",
        "versions": {"python": "3.12.4", "torch": "2.13.0", "isthmus": "0.1.0"},
        "device": "cpu",
        "precision": "bf16",
        "threads": 2,
        "data_hash": "sha256:5f2a9c",
        "data": DATA,
        "mirror": {"mirrors": False, "sentence": ""},
    }


def build_study(folder: Path, *, seeds: tuple[int, ...] = (0, 1), images: np.ndarray | None = None) -> Path:
    """Four variations; many-layers fails at its last seed."""
    folder.mkdir(parents=True)
    variations = []
    for name, (size, psnr, pca, _, _) in VARIATIONS.items():
        runs = []
        for seed in seeds:
            where = f"{name}/seed-{seed}"
            failed = name == "many-layers" and seed == seeds[-1] and len(seeds) > 1
            error = FAILURE if failed else None
            runs.append({"seed": seed, "folder": where, "status": "failed" if failed else "done", "error": error})
            if not failed:
                build_run(folder / where, name, seed, images=images)
        variations.append(
            {
                "name": name,
                "about": f"the post's network, {name}",
                "note": NOTE if name == "many-layers" else None,
                "changes": {} if name == "latent-10" else {"bottleneck.dim": size},
                "compare": None if name == "latent-10" else "latent-10",
                "latent_size": size,
                "image_values": 3072,
                "scores": score(psnr),
                "against_pca": {"psnr": interval(psnr - pca, 0.05)},
                "cost": cost(name, 12),
                "latent": latent(size),
                "doctor": [{**one, "seeds": list(seeds)} for one in doctor()] if name == "latent-10" else [],
                "flags": ["The best model was chosen on the training loss, as the post did."],
                "runs": runs,
            }
        )
    findings = {
        "format": 1,
        "study": "demo",
        "seeds": list(seeds),
        "data": DATA,
        "intervals": "95 % over test images and seeds",
        "variations": variations,
        "findings": findings_list(),
        "command": "isthmus study demo seeds=2",
    }
    write_json(folder / "findings.json", findings)
    write_plan(load_plan("demo"), folder)
    return folder


def findings_list() -> list[dict[str, object]]:
    """The five comparisons, a note that a variation carries too, and the failure."""
    rows = (
        ("comparison", "latent-512", "latent-10", 8.05, 0.21, "better", "latent-512 beats latent-10 by 8.05 dB"),
        ("comparison", "denoise", "latent-10", -0.02, 0.06, "no measurable difference", "denoise: no difference"),
        ("comparison", "many-layers", "latent-512", 0.2, 0.11, "better", "many-layers beats latent-512 by 0.20 dB"),
        ("pca", "latent-512", "pca", -5.44, 0.2, "worse", "latent-512 is 5.44 dB worse than PCA"),
        ("pca", "latent-10", "pca", -0.48, 0.05, "worse", "latent-10 is 0.48 dB worse than PCA"),
    )
    compared = [
        {
            "kind": kind,
            "variation": name,
            "against": against,
            "measure": "psnr",
            "difference": difference,
            "low": difference - half,
            "high": difference + half,
            "verdict": verdict,
            "sentence": f"{sentence} (95 % interval {difference - half:.2f} to {difference + half:.2f}).",
        }
        for kind, name, against, difference, half, verdict, sentence in rows
    ]
    rest = (("note", f"many-layers: {NOTE}"), ("failure", f"many-layers, seed 1, failed: {FAILURE}"))
    return compared + [
        {"kind": kind, "variation": "many-layers", "against": None, "sentence": text} for kind, text in rest
    ]


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


def change_json(path: Path, **changes: object) -> None:
    """Replace keys of a JSON object on disk."""
    write_json(path, json.loads(path.read_text(encoding="utf-8")) | changes)

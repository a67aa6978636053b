"""What the doctor says of labelled anomalies that a run has scored: by its check, and right after the scoring."""

from __future__ import annotations

from isthmus.evaluation.doctor.diagnosis import Fault, Remedy
from isthmus.recipes.recipe import Recipe
from isthmus.run_files.anomalies import AnomalyRecord

RULE = "reconstructs_anomalies"
_CHANCE, _CLEAR = 0.5, 0.6
_IN_WORDS = {"pca": "PCA's reconstruction error", "pixel_neighbours": "the distance to the nearest training image"}


def anomaly_fault(found: AnomalyRecord, recipe: Recipe) -> Fault | None:
    """The AUROC of its squared error is under 0.6, and the 95 % interval reaches 0.5 or lies below; else None."""
    area = found.reconstruction
    if area.mean >= _CLEAR or area.low > _CHANCE:
        return None
    how = "better than" if area.high < _CHANCE else "as well as"
    return Fault(
        "warning",
        f"It reconstructs anomalies {how} normal pictures, so its squared error does not find them: AUROC "
        f"{area.mean:.2f} (95 % interval {area.low:.2f} to {area.high:.2f}, chance 0.50); the mean squared error is "
        f"{found.anomaly_mse:.3g} of {found.anomalies:,} anomalies and {found.normal_mse:.3g} of "
        f"{found.normal_pictures:,} normal pictures.",
        _remedies(found, recipe),
        {"auroc": area.mean, "anomaly_mse": found.anomaly_mse, "normal_mse": found.normal_mse},
    )


def _remedies(found: AnomalyRecord, recipe: Recipe) -> list[Remedy]:
    areas = {name: one.auroc.mean for name, one in found.methods.items()}
    best = max(areas, key=lambda name: areas[name])
    remedies: list[Remedy] = []
    if found.measure != "mse" and areas["model"] >= _CLEAR:
        remedies.append(Remedy(f"keep to the measure {found.measure}, whose AUROC is {areas['model']:.2f}"))
    elif best != "model" and areas[best] >= _CLEAR:
        remedies.append(Remedy(f"use {_IN_WORDS[best]}, whose AUROC is {areas[best]:.2f}"))
    options = recipe.bottleneck.options
    dim = options.get("dim")
    # of discrete codes, `dim` is the length of one code's vector
    if isinstance(dim, int) and "codes" not in options and dim // 4 >= max(options.get("k") or 0, 2):
        remedies.append(Remedy("give it a latent that cannot hold every picture ({})", {"bottleneck.dim": dim // 4}))
    if found.measure == "mse":
        remedies.append(Remedy("calibrate with --measure latent, which compares latents and not pictures"))
    return remedies

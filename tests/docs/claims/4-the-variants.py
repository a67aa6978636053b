# ruff: noqa: F821
# pyright: basic, reportUndefinedVariable=false
"""What lesson 4 says of its own numbers; runs in the lesson's own session."""

score = {name: run.evaluation.scores["model"].psnr.mean for name, run in runs.items()}
assert abs(score["VAE"] - score["plain"]) < 1, "the weak pull costs little"
assert score["strong VAE"] < score["plain"] - 2, "the strong one more than 2 dB"
assert runs["strong VAE"].evaluation.latent.rate.bits < runs["VAE"].evaluation.latent.rate.bits / 2
assert score["VQ"] > score["plain"], "96 bits rebuild better than 10 numbers"
assert runs["VQ"].evaluation.latent.codes.bits == 96

near = {name: nearest(pictures).mean() for name, pictures in (invented | {"real": some}).items()}
assert near["plain"] + 2 < near["VAE"] < near["real"]
center = {name: abs(runs[name].model.encode(digits).mean(axis=0)).max() for name in ("plain", "VAE")}
assert center["VAE"] < 2 < center["plain"]

guessed = masked.evaluation.scores
assert guessed["denoised"].psnr.mean > guessed["mean_image"].psnr.mean + 2
assert guessed["model"].psnr.mean < score["plain"] - 2, "it is not for rebuilding"

# ruff: noqa: F821
# pyright: basic, reportUndefinedVariable=false
"""What lesson 2 says about its numbers; runs in the lesson's own session."""

assert small["model"].psnr.mean > small["pca"].psnr.mean, "the network is above PCA"
assert (gain > 0).any() and (gain < 0).any(), "some digits gain and others lose"
assert abs(noise.difference) < max(gain.max(), -gain.min()) / 5, "the average is tiny beside single digits"
assert -0.3 < noise.low < 0.3 and -0.3 < noise.high < 0.3
network, pca = (large[kind].psnr.mean - small[kind].psnr.mean for kind in ("model", "pca"))
assert network > 3 and abs(pca - network) < network / 4, "PCA gains nearly as much from more numbers"
assert compared["7-layers"].difference > -0.5, "7 layers do no harm on digits"

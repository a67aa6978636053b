# ruff: noqa: F821
# pyright: basic, reportUndefinedVariable=false
"""What lesson 3 says of its own numbers; runs in the lesson's own session."""

import itertools

means = [network[size].mean for size in runs]
assert means == sorted(means) and all(pca[a].mean < pca[b].mean for a, b in itertools.pairwise(runs))
assert all(network[size].low > pca[size].mean for size in (2, 4, 8, 16)), "in the middle the network wins"
assert runs[32].evaluation.against_pca.psnr.high < 0, "at the right it loses"
assert started.evaluation.against_pca.psnr.low > 0, "and wins where it starts at PCA"

low, high = (float(end) for end in middle(model).split(" to "))
assert said.low < low < high < said.high, "isthmus's interval is a little wider"
low, high = (float(end) for end in middle(model - yardstick).split(" to "))
assert low > 0 and high - low < said.high - said.low, "the paired one is narrower"

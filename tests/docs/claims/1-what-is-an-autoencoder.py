# ruff: noqa: F821
# pyright: basic, reportUndefinedVariable=false
"""What lesson 1 says about its numbers; runs in the lesson's own session."""

errors = {"sharp": min(error(digit) for digit in digits[near]), "drawn": error(drawn), "mean": error(average)}
assert errors["mean"] < errors["drawn"] < errors["sharp"], "no sharp digit does as well as the mean"
assert load_digits().target[query] == 5 and near[0] == query, "the 5 comes first in the strip"
assert len(set(load_digits().target[near])) > 1, "some are another digit"
difference = np.square((average.astype(float) - drawn) / 255).mean()
assert difference < errors["mean"] / 2, "the decoder draws nearly the mean"

psnr = {kind: scores[kind].psnr.mean for kind in ("mean_image", "pca", "model")}
assert psnr["mean_image"] < psnr["pca"] < psnr["model"], "the network is above PCA"
assert larger.evaluation.scores["model"].psnr.mean > psnr["model"] + 3, "10 numbers are sharper"
assert run.evaluation.data.test_images == 180 and len(digits) == 1797

met = {load_digits().target[np.square(places - point).sum(axis=1).argmin()] for point in way}
assert met - {0, 1}, "the way from a 0 to a 1 crosses places of other digits"

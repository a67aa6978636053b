# ruff: noqa: F821
# pyright: basic, reportUndefinedVariable=false
"""What lesson 5 says of its own numbers; runs in the lesson's own session."""

precision = {name: one.mean for name, one in found.key.precision.items()}
assert precision["raw pixels"] == max(precision.values())

assert scored.flag[strange == 1].mean() > 0.9, "nearly every 0 is found"
assert 0.3 < scored9.flag[strange9 == 1].mean() < 0.7, "half of the nines pass"
for one, odd_one in ((scored, strange), (scored9, strange9)):
    low, high = one.promise.likely
    normal_ones = one.flag[odd_one == 0]
    luck = 2 * (0.05 * 0.95 / len(normal_ones)) ** 0.5  # of as few pictures as arrive today
    assert low - luck < normal_ones.mean() < high + luck, "the promise is kept"
    methods = one.judged.record.methods
    assert methods["pixel_neighbours"].auroc.mean == max(method.auroc.mean for method in methods.values())

assert denoiser.evaluation.against_noisy.low > 2
assert run.evaluation.against_noisy.high < 0, "a latent of 10 numbers does harm to weakly noisy digits"

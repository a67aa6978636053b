"""A small study as TOML text: two layers of convolution, a vector, and the given variations."""

from __future__ import annotations

from collections.abc import Sequence

ONE = '[[variation]]\nname = "one"\n'
NARROW_AND_WIDE = """[[variation]]
name = "narrow"
[[variation]]
name = "wide"
compare = "narrow"
changes = { bottleneck.dim = 8 }
"""


def study_toml(
    variations: str,
    *,
    head: Sequence[str] = (),
    data: Sequence[str] = (),
    filters: Sequence[int] = (4,),
    dim: int = 3,
    train: Sequence[str] = (),
) -> str:
    """head, data, train: further lines of the top, of `base.data` and of `base.train`."""
    lines = [
        *head,
        *("[base.data]", 'kind = "scenes"', *data),
        *("[base.architecture]", 'kind = "conv"', f"filters = {list(filters)}", f"strides = {[2] * len(filters)}"),
        *("[base.bottleneck]", 'kind = "vector"', f"dim = {dim}"),
        *("[base.train]", *train),
    ]
    return "\n".join(lines) + "\n" + variations

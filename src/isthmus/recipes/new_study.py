"""The text of a new study file: what each part of it does, and where to change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tomli_w

from isthmus.core.wording import counted, printable

_SMALL = 64  # pixels: up to it, a patch of 4 is a position
_FEW = 400  # training images
_FEW_VALUES = 512


@dataclass(frozen=True)
class Sizes:
    """Sizes that fit the images.

    images: how many there are for training. height, width: of each as the study reads it, pixels.
    """

    images: int
    channels: int
    height: int
    width: int

    @property
    def patch(self) -> int:
        return 4 if max(self.height, self.width) <= _SMALL else 8

    @property
    def dims(self) -> tuple[int, int, int]:
        """Numbers of the latent to compare: far fewer than images, and than an image has numbers."""
        return (4, 8, 16) if self.images < _FEW or self.values < _FEW_VALUES else (16, 32, 64)

    @property
    def values(self) -> int:
        """Of an image."""
        return self.channels * self.height * self.width

    @property
    def batch(self) -> int:
        return 16 if self.images < _FEW else 64


def study_text(file: str, schema: str | None, data: Mapping[str, Any], sizes: Sizes, said: Sequence[str]) -> str:
    """A study of these images as TOML with comments.

    file: its name. schema: the path of its JSON schema, from the file; None for no line about it. said: sentences
    about how the images are read, which become comments.
    """
    low, middle, high = sizes.dims
    base = f"linear-pca-dim-{middle}"
    commands = [f"isthmus study {_one_line(file)}{more}" for more in ("", " budget.seconds=60", " seeds=3")]
    run, quick, thrice = (command.ljust(len(commands[1]) + 3) for command in commands)
    first = f"#:schema {schema}\n" if schema is not None else ""
    remarks = "".join(f"# {_one_line(sentence)}\n" for sentence in said)
    return f"""{first}# A study: every row below is trained, evaluated on the same test images, and compared.
#
#   {run}run it; run it again to go on after a stop
#   {quick}a first look: every training is shortened
#   {thrice}three trainings of each row: verdicts about the choice, not the luck
#
# An option stands in a table: `epochs` below [base.train] is `train.epochs` everywhere else.
# `isthmus list` names all tables, `isthmus list train` all options of one. docs/studies.md explains this file.
format = 1
about = "How many numbers a picture needs, whether a start at PCA helps, and what noise does."

# how often each row is trained: a number, or the list of seeds
seeds = 1

# the row that every other row is compared with; a [[variation]] may name another with its own `compare`
compare = "{base}"

# for all rows together, training and evaluation; a slower machine shortens all by the same share, and the page says so
[budget]
seconds = 600

# the images: {counted(sizes.images, "training image")}, each {sizes.channels} x {sizes.height} x {sizes.width} = \
{sizes.values:,} numbers
{remarks}[base.data]
{tomli_w.dumps(dict(data))}
# the share that is held out, where the data has no validation or test images of its own
[base.split]
validation = 0.1
test = 0.1

# the network: each {sizes.patch} x {sizes.patch} pixels become one position. Other kinds: `isthmus list architectures`
[base.architecture]
kind = "residual"
patch = {sizes.patch}
width = 64
depth = 2

# the latent: `dim` numbers for each image. Other kinds, such as gaussian (a VAE) and vq: `isthmus list bottlenecks`
[base.bottleneck]
kind = "vector"
dim = {middle}

# a linear path beside the network, which starts as PCA; "none" leaves the network alone
[base.model]
linear = "pca"

[base.train]
epochs = 10
least_steps = 500  # of few images, ten epochs would be too few steps
batch = {sizes.batch}
optimizer = "adamw"
learning_rate = 1e-3
schedule = "cosine"
warmup_steps = 50

# a row for each combination of these values: linear-pca-dim-{low}, linear-pca-dim-{middle}, ... linear-none-dim-{high}
[grid]
"model.linear" = ["pca", "none"]
"bottleneck.dim" = [{low}, {middle}, {high}]

# a row of its own: the base with some changes
[[variation]]
name = "denoise"
about = "Fresh Gaussian noise on every training image, none at inference."
[variation.changes]
"corruption.kind" = "gaussian"
"corruption.std" = 0.1
"""


def _one_line(text: str) -> str:
    """Text in a comment: a line break would end the comment."""
    return printable(text).replace("\n", "\\n")

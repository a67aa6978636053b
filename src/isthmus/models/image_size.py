"""Images whose sides an architecture cannot divide as often as it wants to, and the way out of it."""

from __future__ import annotations

from isthmus.core import registry


class ImageSizeError(ValueError):
    """Images of `height` x `width` do not fit; the nearest smaller size whose sides `unit` divides does.

    An architecture raises it without a word of how images are resized: that is the data set's affair.
    """

    def __init__(self, sentence: str, height: int, width: int, unit: int) -> None:
        super().__init__(sentence)
        self.fits = max(unit, height // unit * unit), max(unit, width // unit * unit)


def resized_by(dataset: str, height: int, width: int) -> str:
    """'bring the images to 64x76 with data.size=[64,76]', or what else brings a data set's images to that size.

    A square is one number, which is all that some data sets take.
    """
    wanted = f"the images to {height}x{width}"
    if "size" not in registry.options(registry.find("datasets", dataset)):
        return f"crop or resize {wanted} before, as the data set {dataset!r} takes no size"
    size = f"{height}" if height == width else f"[{height},{width}]"  # a space would end the option in a shell
    return f"bring {wanted} with data.size={size}"

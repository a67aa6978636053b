"""What `isthmus --version` prints: the version at once, then what a training here would run on."""

from __future__ import annotations

import platform
import sys

from isthmus import __version__


def print_version() -> None:
    """The first line needs no torch; the others are for reports of faults, and for seeing which device is taken."""
    print(f"isthmus {__version__}", flush=True)
    for name, text in _about():
        print(f"{name:8} {text}", flush=True)


def _about() -> list[tuple[str, str]]:
    python = f"{platform.python_version()}, {sys.platform} {platform.machine()}"
    try:
        import torch
    except (ImportError, OSError) as error:
        return [("python", python), ("torch", f"cannot be loaded ({error}); install it again")]
    from isthmus.kernels.choose import without_compiling
    from isthmus.training.devices import choose_device, describe

    device = choose_device("auto")
    return [
        ("python", python),
        ("torch", str(torch.__version__)),
        ("device", f"{device}: {describe(device)}"),
        ("kernels", without_compiling()),
    ]

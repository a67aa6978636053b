"""Join a Ray cluster, or start one on this computer for as long as this process lives."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import re
import socket
from typing import Any

from isthmus.core.errors import InputError

NAMESPACE = "isthmus"
LOCAL = "local"
_KNOCK_SECONDS = 5.0


def library() -> Any:
    """The package ray, an optional extra, so types cannot rely on it. It is called first after `connect`."""
    return importlib.import_module("ray")


def connect(address: str) -> None:
    """address: HOST:PORT, ray://HOST:PORT, `auto` (this computer belongs to it), or LOCAL.

    Raises InputError where there is no such cluster or package.
    """
    if importlib.util.find_spec("ray") is None:
        raise InputError("--on ray needs the package ray: `pip install 'isthmus[ray]'`")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    if address == LOCAL:  # it listens on the loopback, and not on the network, where others could give it work
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    elif address != "auto":
        _knock(address)
    ray = library()
    if ray.is_initialized():
        return
    own: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    try:
        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False, **own)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise InputError(f"--ray {address}: {reason}; give the HOST:PORT of a Ray cluster, or no address") from None
    _silence()


def _knock(address: str) -> None:
    """Raise InputError where nothing listens; Ray itself would try for minutes."""
    found = re.fullmatch(r"(?:ray://)?([^/:\s]+):(\d{1,5})", address)
    if found is None:
        raise InputError(f"--ray {address}: does not fit: give HOST:PORT or ray://HOST:PORT")
    try:
        with socket.create_connection((found[1], int(found[2])), _KNOCK_SECONDS):
            pass
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"--ray {address}: nothing answers there ({reason}); `ray start --head` prints it") from None


def _silence() -> None:
    """Ray prints to stdout what happens to workers; the runs' logs and our sentences say it."""

    def nothing(*_: Any, **__: Any) -> None: ...

    with contextlib.suppress(ImportError):  # a private module, for there is no option
        importlib.import_module("ray._private.worker").print_to_stdstream = nothing  # pyright: ignore[reportAttributeAccessIssue]

"""A real Ray of one node on the loopback, in a folder of its own; needs the extra `ray`.

`python -m tests.cluster.ray_node` keeps one until Ctrl-C, and prints how another terminal reaches it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

CPUS = 8  # of the node, whatever this machine has: so many tiny runs at once
START_SECONDS = 90.0
# The first lets Ray listen on the loopback alone, as it does on macOS. Two more keep it from writing a token into the
# home folder and from telling anybody that it is used. Workers are not nice: beside other programs they would starve.
ENVIRONMENT = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "disabled",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}


@contextlib.contextmanager
def ray_node(python: str = sys.executable) -> Generator[str]:
    """Start a head node with CPUS workers; yields its address, HOST:PORT.

    Raises RuntimeError with its last words if it is not ready after START_SECONDS.
    """
    folder = Path(tempfile.mkdtemp(prefix="isthmus-ray-"))  # short: sockets lie in it
    words = ("--head", "--block", "--node-ip-address=127.0.0.1", "--port=0", f"--num-cpus={CPUS}")
    quiet = ("--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=100000000")
    said = folder / "said"
    with said.open("wb") as file:
        node = subprocess.Popen(
            [python, "-m", "ray.scripts.scripts", "start", *words, *quiet, f"--temp-dir={folder}/ray"],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,  # Ctrl-C in a terminal is for what uses the node
        )
    try:
        address = folder / "ray" / "ray_current_cluster"
        until = time.monotonic() + START_SECONDS
        while "Ray runtime started" not in said.read_text(errors="replace"):
            if time.monotonic() > until or node.poll() is not None:
                raise RuntimeError("the Ray node did not start:\n" + said.read_text(errors="replace")[-2000:])
            time.sleep(0.2)
        yield address.read_text().strip()
    finally:
        node.terminate()  # it ends its workers with itself
        try:
            node.wait(timeout=60)
        except subprocess.TimeoutExpired:
            os.killpg(node.pid, signal.SIGKILL)
            node.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main() -> None:
    with ray_node() as address:
        print(" ".join(f"{name}={value}" for name, value in ENVIRONMENT.items()))
        print(f"address {address}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()


if __name__ == "__main__":
    main()

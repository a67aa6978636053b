"""The program: `isthmus`, and `python -m isthmus`."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and exit. Ctrl-C is answered while it still loads, and no more once the work is over."""
    answer = "interrupted before it began"
    try:
        from isthmus.cli import main as run

        answer = "interrupted"  # the command line answers the first Ctrl-C; a second came while it did so
        run()
    except KeyboardInterrupt:
        print(f"isthmus: {answer}", file=sys.stderr)
        sys.exit(130)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the exit code is known, and nothing is left to be saved


if __name__ == "__main__":
    main()

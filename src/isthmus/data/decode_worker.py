"""The program of a process that decodes: reads pickled tasks of its parent from stdin, writes answers to stdout."""

from __future__ import annotations

import os
import pickle
import sys

from isthmus.core.errors import InputError, RunError
from isthmus.data.decode import decode_chunk


def main() -> None:
    """Answer tasks until the parent closes the pipe or ends."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints must not become an answer
    try:
        parts = pickle.load(sys.stdin.buffer)
        while True:
            task = pickle.load(sys.stdin.buffer)
            try:
                answer = decode_chunk(parts[task.split], task)
            except (InputError, RunError, OSError) as error:
                answer = error
            pickle.dump(answer, answers)
            answers.flush()
    except (EOFError, BrokenPipeError):
        pass


if __name__ == "__main__":
    main()

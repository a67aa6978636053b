"""The program of a process that decodes: answers the tasks of its parent."""

from __future__ import annotations

from contextlib import suppress

from isthmus.core.child_processes import messages_with_parent
from isthmus.core.errors import InputError, RunError
from isthmus.data.chunks import decode_chunk


def main() -> None:
    """Answer tasks until the parent hangs up or ends. The first message is the pictures of each split."""
    parent = messages_with_parent()
    with suppress(EOFError, BrokenPipeError):
        parts = parent.receive()
        while True:
            task = parent.receive()
            try:
                answer = decode_chunk(parts[task.split], task)
            except (InputError, RunError, OSError) as error:
                answer = error
            parent.send(answer)


if __name__ == "__main__":
    main()

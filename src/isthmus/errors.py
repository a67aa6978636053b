"""What a user can get wrong, and how the command line answers it."""


class InputError(ValueError):
    """Something the user typed or pointed at is wrong (exit code 2).

    The message is one sentence that names the path or option, the value and the remedy.
    """


class RunError(RuntimeError):
    """A correctly asked run could not finish, or a check failed (exit code 1)."""

"""What to say of pictures that cannot be read: left out, or an error with a remedy."""

from __future__ import annotations

from collections.abc import Sequence

from isthmus.core.errors import InputError
from isthmus.core.wording import counted
from isthmus.data.interfaces import PictureSet
from isthmus.data.picture_files import some


def refusal(found: PictureSet, problems: Sequence[str], *, any_readable: bool) -> InputError:
    """The error for pictures that cannot be read. problems: a sentence for each, with its remedy after a semicolon."""
    return InputError(f"{_sentence(found, problems)} ({some(_reasons(problems))}); {_remedy(problems, any_readable)}")


def left_out(found: PictureSet, problems: Sequence[str]) -> list[str]:
    """A notice for pictures that were left out; none without such pictures."""
    return [f"{_sentence(found, problems)} and are left out: {some(_reasons(problems))}."] if problems else []


def _sentence(found: PictureSet, problems: Sequence[str]) -> str:
    images = sum(map(len, found.parts.values()))
    return f"{len(problems):,} of {counted(images, 'image')} in {found.source} cannot be read"


def _reasons(problems: Sequence[str]) -> list[str]:
    return [problem.partition("; ")[0] for problem in problems]


def _remedy(problems: Sequence[str], any_readable: bool) -> str:
    """The pictures' own remedy, if all have the same one."""
    remedies = {problem.partition("; ")[2] for problem in problems}
    usual = "replace it or leave it out"
    own = remedies.pop() if len(remedies) == 1 else ""
    action = own if own and not own.startswith(usual) else "repair or remove them"
    return f"{action}, or leave them out with --skip-broken" if any_readable else action.replace(" or remove", "")

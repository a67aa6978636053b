"""Work in a child process where `ulimit -v` limits memory: a library that gets none may end its process by a signal."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable

from isthmus.core.memory_limit import address_limit


def supervised(work: Callable[[], int], crashed: Callable[[str], int]) -> int:
    """The exit code of `work`. Where `ulimit -v` limits memory, `work` runs in a child process.

    crashed: returns the exit code where the child ended by a signal that lack of memory can cause; it gets the signal's
    name. Any other signal that ends the child ends this process too.
    """
    if address_limit() is None:
        return work()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # if it is ignored, nobody is told of a child's end
    awaited = _awaited()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:  # the system allows no more processes
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return work()
    if child == 0:
        os.setpgid(0, 0)  # a terminal's Ctrl-C then comes once: from the parent
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # `stty tostop` would stop a group behind that prints
        _die_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return work()
    status = _wait(child, awaited)
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = os.WTERMSIG(status)
    if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
        return crashed(signal.Signals(number).name)
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.kill(parent, number)
    return 128 + number


def _awaited() -> set[signal.Signals]:
    """The child's end, and the signals that are passed on to it. Ctrl-Z may be ignored, as a shell's jobs may ask."""
    found = {signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}
    found |= {signal.SIGUSR1, signal.SIGUSR2}
    return found if signal.getsignal(signal.SIGTSTP) is signal.SIG_IGN else found | {signal.SIGTSTP}


def _wait(child: int, awaited: set[signal.Signals]) -> int:
    """Pass signals on to `child` until it ends; its status as of `waitpid`."""
    while True:
        number = signal.sigwait(awaited)
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif number == signal.SIGTSTP:  # Ctrl-Z stops both; `fg` continues both
            os.kill(child, signal.SIGSTOP)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            os.kill(os.getpid(), number)  # does nothing where no shell could continue this process
            signal.pthread_sigmask(signal.SIG_BLOCK, {number})
            os.kill(child, signal.SIGCONT)
        else:
            os.kill(child, number)


def _die_with(parent: int) -> None:
    """End this process when `parent` is killed (Linux)."""
    if sys.platform == "linux":
        import ctypes  # here, because most commands need no child

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

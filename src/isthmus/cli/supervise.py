"""Work in a child process where `ulimit -v` limits memory: a library that gets none may end its process by a signal."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

from isthmus.core.memory_limit import address_limit


def supervised(work: Callable[[], int], no_memory: Callable[[str, int], int]) -> int:
    """The exit code of `work`. Where `ulimit -v` limits memory, `work` runs in a child process.

    no_memory: returns the exit code where a signal ended the child as lack of memory does; gets the signal's name and
    the limit in bytes. Any other signal that ends the child ends this process too.
    """
    limit = address_limit()
    if limit is None:
        return work()
    # what comes before the wait below stays pending
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*_PASSED_ON, signal.SIGTSTP, signal.SIGCHLD})
    parent = os.getpid()
    try:
        child = os.fork()
    except OSError:  # the system allows no more processes
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return work()
    if child == 0:
        os.setpgid(0, 0)  # a terminal's Ctrl-C then comes once: from the parent
        _die_with(parent)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        return work()
    status = _wait(child)
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status)
    number = signal.Signals(os.WTERMSIG(status))
    if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT):
        return no_memory(number.name, limit)
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.kill(parent, number)
    return 128 + number


_PASSED_ON = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
    if sys.platform != "win32"
)


def _wait(child: int) -> int:
    """Pass signals on to `child` until it ends; its status as of `waitpid`."""
    while True:
        number = signal.sigwait({*_PASSED_ON, signal.SIGTSTP, signal.SIGCHLD})
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
        elif number == signal.SIGTSTP:  # Ctrl-Z stops both; `fg` continues both
            os.kill(child, signal.SIGSTOP)
            os.kill(os.getpid(), signal.SIGSTOP)
            os.kill(child, signal.SIGCONT)
        else:
            os.kill(child, number)


def _die_with(parent: int) -> None:
    """End this process when `parent` is killed (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
        if os.getppid() != parent:
            os._exit(1)

"""What other systems than this one lack is not asked for when a module is loaded."""

from __future__ import annotations

import subprocess
import sys

from tests.command import environment

UNIX_ALONE = ("fcntl", "resource", "pwd", "grp", "termios")
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.modules.update(dict.fromkeys(sys.argv[1:]))  # None there: an import of it fails
import isthmus
for module in pkgutil.walk_packages(isthmus.__path__, "isthmus."):
    importlib.import_module(module.name)
print(sum(name.startswith("isthmus.") for name in sys.modules))
"""


def test_every_module_loads_where_unixs_own_are_missing() -> None:
    command = [sys.executable, "-c", IMPORT_ALL, *UNIX_ALONE]
    done = subprocess.run(command, env=environment(), capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 200

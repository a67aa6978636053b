"""Build the site into `site/`: `make docs`, or `python docs/site/build.py`. Its pages work from disk, offline.

Warnings are errors: a link to nothing, an anchor that is not there, a page outside the navigation.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from isthmus_site.stage import ROOT, stage
from sphinx.cmd.build import build_main

CONFIGURATION = Path(__file__).parent
SITE, WORK = ROOT / "site", ROOT / "build" / "site"


def build(work: Path) -> int:
    """Make the site in `work/html`. Returns Sphinx's exit status; what went wrong is on stderr."""
    stage(work / "source")
    options = ["-b", "html", "-c", str(CONFIGURATION), "-d", str(work / "doctrees"), "-W", "--keep-going", "-q"]
    return build_main([*options, str(work / "source"), str(work / "html")])


def size_of(site: Path) -> tuple[int, int]:
    """(pages, bytes)"""
    files = [path for path in site.rglob("*") if path.is_file()]
    return sum(path.suffix == ".html" for path in files), sum(path.stat().st_size for path in files)


def main() -> int:
    status = build(WORK)
    if status == 0:
        # MyST-NB writes pictures beside Sphinx's output, so the output is made elsewhere and copied.
        shutil.rmtree(SITE, ignore_errors=True)
        shutil.copytree(WORK / "html", SITE)
        pages, size = size_of(SITE)
        print(f"{SITE / 'index.html'}: {pages} pages, {size / 1e6:.1f} MB")
    return status


if __name__ == "__main__":
    sys.exit(main())

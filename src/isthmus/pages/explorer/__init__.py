"""The page in which a trained model lives: docs/explorer-page.md says what it holds, web/ what it does."""

from isthmus.pages.explorer.assets import is_built
from isthmus.pages.explorer.write import write_explorer

__all__ = ["is_built", "write_explorer"]

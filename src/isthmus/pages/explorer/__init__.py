"""The page that runs a trained model: docs/explorer-page.md describes its content, web/ holds its script."""

from isthmus.pages.explorer.assets import is_built
from isthmus.pages.explorer.write import write_explorer

__all__ = ["is_built", "write_explorer"]

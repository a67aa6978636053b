"""Sphinx's settings for the site. `build.py` beside this file makes the folder that Sphinx reads."""

from typing import Any

from isthmus_site.html_anchors import AnchorsOfHtml
from isthmus_site.units import UnbrokenUnits
from sphinx.application import Sphinx

project = "isthmus"
author = "the isthmus authors"
copyright = "the isthmus authors. Apache-2.0"
root_doc = "index"
language = "en"

extensions = ["myst_nb"]
nb_execution_mode = "off"  # notebooks keep the outputs that run_notebooks.py and the tests saw
nb_merge_streams = True
nb_ipywidgets_js = {}  # scripts for widgets would come from the network; our notebooks have none
myst_heading_anchors = 5  # links to headings, as GitHub has them
myst_enable_extensions = ["colon_fence", "deflist"]

smartquotes = False  # quotes here are often code

html_theme = "furo"
html_title = "isthmus"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_last_updated_fmt = None  # the same sources give the same pages on any day
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#0f5c8c", "color-brand-content": "#0f5c8c"},
    "dark_css_variables": {"color-brand-primary": "#7cc0ee", "color-brand-content": "#7cc0ee"},
}
highlight_language = "bash"  # blocks without a language are commands
pygments_style = "default"
pygments_dark_style = "github-dark"


def name_language(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: object) -> None:
    """Korean pages say so: screen readers and fonts go by it."""
    if page.endswith(".ko") or "/ko/" in page:
        context["language"] = "ko"


def setup(app: Sphinx) -> None:
    app.add_transform(AnchorsOfHtml)
    app.add_transform(UnbrokenUnits)
    app.connect("html-page-context", name_language)

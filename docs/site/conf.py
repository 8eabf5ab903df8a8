"""How Sphinx makes the site: of the Markdown that a forge shows, and of the notebooks."""

import json
import posixpath
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from myst_parser.parsers.sphinx_ import MystParser
from sphinx.application import Sphinx

import hwgen

ROOT = Path(__file__).parents[2]
MERMAID = ROOT / "build" / "scripts" / "mermaid"

project, release = "hwgen", hwgen.__version__
copyright = "the authors of hwgen"
extensions = ["myst_parser"]
include_patterns = ["*.md", "docs/*.md", "docs/results/*.md", "docs/notebooks/*.ipynb",
                    "rtl_out/README.md", "networks/README.md"]
source_suffix = {".md": "markdown", ".ipynb": "notebook"}
root_doc = "docs/index"
nitpicky = True
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
html_theme = "furo"
html_title = f"hwgen {release}"
html_static_path = [str(Path(__file__).with_name("static"))]
html_extra_path = [str(Path(__file__).with_name("extra"))]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
if (MERMAID / "mermaid.min.js").exists():
    html_static_path.append(str(MERMAID))
    html_js_files += ["mermaid.min.js", "diagrams.js"]


class Mermaid(Directive):
    """A diagram, which the page draws where it has Mermaid, or else its text."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the element that Mermaid looks for."""
        text = nodes.unescape("\n".join(self.content))
        escaped = text.replace("&", "&amp;").replace("<", "&lt;")
        return [nodes.raw("", f'<pre class="mermaid">{escaped}</pre>', format="html")]


class Notebook(MystParser):
    """Cells one after the other: text as it is, code as code."""

    supported = ("notebook",)

    def parse(self, inputstring: str, document: nodes.document) -> None:
        """Parse a notebook as the Markdown that it stands for."""
        parts = []
        for cell in json.loads(inputstring)["cells"]:
            text = "".join(cell["source"])
            parts.append(text if cell["cell_type"] == "markdown" else f"```python\n{text}\n```")
        super().parse("\n\n".join(parts), document)


def navigate(app: Sphinx, name: str, source: list[str]) -> None:
    """Make the lists of the first page what the site is navigated by."""
    if name != root_doc:
        return
    for title, links in re.findall(r"^## (.+)\n\n((?:- .+\n)+)", source[0], re.M):
        pages = re.findall(r"^- \[([^]]+)\]\(([^)]+)\)", links, re.M)
        listed = "\n".join(f"{page} <{target}>" for page, target in pages)
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{listed}\n```\n"


def name_pages(app: Sphinx, tree: nodes.document, name: str) -> None:
    """Let links that a forge shows by the names of files have the titles of their pages."""
    for link in tree.findall(nodes.reference):
        text = link.astext()
        page = posixpath.normpath(posixpath.join(posixpath.dirname(name), text.removesuffix(".md")))
        if text.endswith(".md") and page in app.env.titles:
            link.clear()
            link += nodes.Text(app.env.titles[page].astext())


def level_captions(app: Sphinx, name: str, template: str, context: dict[str, Any],
                   tree: nodes.document | None) -> None:
    """Give the headings of the list of pages the level that Sphinx leaves out, for who listens."""
    context["furo_navigation_tree"] = context.get("furo_navigation_tree", "").replace(
        'role="heading"', 'role="heading" aria-level="2"')


def setup(app: Sphinx) -> None:
    """Add what is ours."""
    app.add_source_parser(Notebook)
    app.add_directive("mermaid", Mermaid)
    app.connect("source-read", navigate)
    app.connect("doctree-resolved", name_pages)
    app.connect("html-page-context", level_captions, priority=900)  # behind the theme's own

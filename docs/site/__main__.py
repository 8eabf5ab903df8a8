"""Builds the site: ``python -m docs.site`` writes build/site; a warning of Sphinx is an error."""

import os
import sys

from sphinx.cmd.build import main

from .scripts import ROOT, bring

if bring("mermaid.min.js") is None:
    print("npm did not bring Mermaid: diagrams are shown as text", file=sys.stderr)
os.chdir(ROOT)
target = ROOT / "build" / "site"
code = main(["-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-c", "docs/site", ".",
             str(target)])
if not code:
    print(f"the site is in {target / 'index.html'}")
sys.exit(code)

"""Builds the site: ``python -m docs.site`` writes build/site, and ends with what Sphinx says."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from sphinx.cmd.build import main

ROOT = Path(__file__).parents[2]
MERMAID = "mermaid@11.17.2"
"""What draws diagrams, in the browser: no package of Python has it."""


def bring_mermaid(folder: Path) -> None:
    """Put mermaid.min.js into a folder, once; without npm the site shows the text of diagrams."""
    npm, wanted = shutil.which("npm"), folder / "mermaid.min.js"
    if npm is None or wanted.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run([npm, "pack", "--silent", MERMAID], cwd=folder, text=True,
                            capture_output=True)
    if packed.returncode:
        print("npm could not bring Mermaid: diagrams are shown as text", file=sys.stderr)
        return
    archive = folder / packed.stdout.split()[-1]
    with tarfile.open(archive) as files:
        script = files.extractfile("package/dist/mermaid.min.js")
        assert script
        wanted.write_bytes(script.read())
    archive.unlink()


def build(folder: Path) -> int:
    """Build the site into a folder; a warning is an error."""
    os.chdir(ROOT)
    bring_mermaid(ROOT / "build" / "mermaid")
    return main(["-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-c", "docs/site", ".",
                 str(folder)])


if __name__ == "__main__":
    code = build(ROOT / "build" / "site")
    if not code:
        print(f"the site is in {ROOT / 'build' / 'site' / 'index.html'}")
    sys.exit(code)

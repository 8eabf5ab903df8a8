"""Scripts that a browser runs, from packages of npm, where it is there to bring them."""

import shutil
import subprocess
import tarfile
from pathlib import Path

__all__ = ["bring"]

ROOT = Path(__file__).parents[2]
SCRIPTS = {"mermaid.min.js": ("mermaid@11.17.2", "package/dist/mermaid.min.js"),
           "axe.min.js": ("axe-core@4.14.1", "package/axe.min.js")}
"""What draws the diagrams of the site, and what checks pages in the tests."""


def bring(script: str) -> Path | None:
    """Put a script into build, once; None where there is no npm, or it cannot."""
    (package, inside), npm = SCRIPTS[script], shutil.which("npm")
    folder = ROOT / "build" / "scripts" / script.partition(".")[0]
    wanted = folder / script
    if wanted.exists() or npm is None:
        return wanted if wanted.exists() else None
    folder.mkdir(parents=True, exist_ok=True)
    packed = subprocess.run([npm, "pack", "--silent", package], cwd=folder, text=True,
                            capture_output=True)
    if packed.returncode:
        return None
    archive = folder / packed.stdout.split()[-1]
    with tarfile.open(archive) as files:
        found = files.extractfile(inside)
        assert found
        wanted.write_bytes(found.read())
    archive.unlink()
    return wanted

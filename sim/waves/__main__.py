"""``python -m sim.waves [FOLDER]``: write all diagrams, as WaveJSON and SVG, into docs/waves."""

import sys
from pathlib import Path

from .diagram import picture, wave_json
from .examples import WAVES

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "docs" / "waves")
folder.mkdir(parents=True, exist_ok=True)
for name, made in WAVES.items():
    text = wave_json(made())
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    (folder / f"{name}.svg").write_text(picture(text), encoding="utf-8")
    print(folder / f"{name}.svg")

"""The networks of the project, with their inputs and what comes of them."""

from pathlib import Path

import numpy as np

__all__ = ["FOLDER", "NETWORKS", "SHARED", "arrays", "path", "stored_tensors"]

FOLDER = Path(__file__).parents[1] / "networks"
NETWORKS = ("ad_autoencoder", "ic_resnet8", "kws_dscnn", "vww_mobilenet")
SHARED = Path(__file__).parents[2] / "shared" / "models"
"""More inputs than the project carries; tests that need them are skipped where there are none."""


def path(name: str) -> Path:
    """Return the file of a network."""
    return FOLDER / f"{name}.tflite"


def arrays(name: str, folder: Path = FOLDER) -> dict[str, np.ndarray]:
    """Return what is stored beside a network."""
    with np.load(folder / f"{name}.npz") as file:
        return dict(file)


def stored_tensors(stored: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return the tensors that layers write, in their order."""
    names = [name for name in stored if name[0] == "t" and name[1:].isdigit()]
    return [stored[name] for name in sorted(names, key=lambda name: int(name[1:]))]

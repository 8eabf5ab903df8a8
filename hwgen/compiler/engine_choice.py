"""Which engine a layer runs on, and why."""

from dataclasses import dataclass

__all__ = ["EngineChoice"]


@dataclass(frozen=True)
class EngineChoice:
    """Which of the two a layer runs on, and why; without a cycle count where it cannot.

    Members
    -------
    layer : str
    engine : str
        ``dense`` or ``sparse``.
    dense_cycles : int
    sparse_cycles : int, or None
    entries, columns : int
        Which it takes, or would take, of a lane's memories.
    reason : str
    """

    layer: str
    engine: str
    dense_cycles: int
    sparse_cycles: int | None
    entries: int
    columns: int
    reason: str

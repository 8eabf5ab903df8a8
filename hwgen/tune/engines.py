"""Which engines are searched for networks and a board, and why others are not."""

from collections.abc import Sequence

from ..arch.boards import Board
from ..arch.design import Design
from ..area.costs import is_known
from ..compiler.compile import draft
from ..errors import UserError
from . import SEARCHED
from .workload import Workload

__all__ = ["engines_for"]

SPARSE = "sparse: not searched, as its cycles hang on which activations are 0"
ROOM = 1 << 16


def engines_for(at: Board, workloads: Sequence[Workload], objective: str,
                asked: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the engines that are searched, and for each other one a sentence that says why not.

    A :class:`UserError` tells why there is none.
    """
    reasons = {engine: objection_to(engine, at, workloads, objective)
               for engine in asked or SEARCHED}
    found = [engine for engine in SEARCHED if reasons.get(engine) == ""]
    out = [f"{engine}: not searched, as {reason}" for engine, reason in reasons.items() if reason]
    if not found:
        raise UserError("--engine: none of them will do; " + "; ".join(out))
    return found, out if asked else [*out, SPARSE]


def objection_to(engine: str, at: Board, workloads: Sequence[Workload], objective: str) -> str:
    """Return what speaks against an engine, if anything does."""
    if not is_known(at.family, engine):
        return f"it is not known what it takes of a chip as the {at.device}"
    if objective == "energy" and engine != "systolic":
        return "the model of energy is of products of bytes"
    return binary_refusal(workloads) if engine == "binary" else ""


def binary_refusal(workloads: Sequence[Workload]) -> str:
    """Return what the engine ``binary`` refuses of the workloads, if anything."""
    for workload in workloads:
        roomy = Design(engine="binary", rows=4, columns=16, lanes=1, partial_sums=1,
                       activation_memory=ROOM, program_memory=16 * ROOM,
                       rounding=workload.rounding)
        try:
            for network in workload.networks:
                draft(network, roomy)
        except UserError as error:
            return str(error)
    return ""

"""The register map of a Design, as plain data: what every other form of it is written from."""

from typing import Any

from ..arch.address_map import BusWindow
from ..arch.design import Design
from ..arch.registers import (
    FACTS,
    SPACES,
    Access,
    AnyRegister,
    Facts,
    ProtectionRegister,
    Register,
    StreamRegister,
)
from ..rtl.tops.catalogue import Top

__all__ = ["register_map"]


def register_map(design: Design, top: Top) -> dict[str, Any]:
    """Return the map: names, numbers and sentences, nothing else."""
    window = BusWindow.of(design, streams=top.streams)
    known = [*Register, *(StreamRegister if top.streams else ()),
             *(ProtectionRegister if design.protect != "none" else ())]
    return {
        "name": top.module,
        "design": design.name,
        "fingerprint": design.fingerprint,
        "size": window.size,
        "program_stride": window.stride,
        "program_bytes": design.columns,
        "spaces": [{"name": space.name, "base": window.base(space), "size": window.sizes[space],
                    "about": about} for space, about in SPACES.items()
                   if space < len(window.sizes)],
        "registers": [register(design, which, FACTS[which]) for which in known],
    }


def register(design: Design, which: AnyRegister, facts: Facts) -> dict[str, Any]:
    """Return a register, with whatever it reads after a reset."""
    reset = design.fingerprint if facts.reset is None else facts.reset
    return {
        "name": which.name, "offset": int(which), "access": facts.access.value, "bits": facts.bits,
        "reset": None if facts.access is Access.WRITE else reset, "about": facts.about,
        "fields": [{"name": field.name, "low": field.low, "bits": field.bits,
                    "about": field.about} for field in facts.fields],
    }

"""The register map as CMSIS-SVD, which debuggers and generators of drivers read."""

from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from .. import __version__

__all__ = ["svd"]


def svd(facts: dict[str, Any], name: str) -> str:
    """Return the map, with the window at address 0; the peripheral has the name, in capitals."""
    device = Element("device", {
        "schemaVersion": "1.3", "xmlns:xs": "http://www.w3.org/2001/XMLSchema-instance",
        "xs:noNamespaceSchemaLocation": "CMSIS-SVD.xsd"})
    add(device, name=facts["name"], version=__version__,
        description=f"Accelerator of hwgen, Design {facts['design']}", addressUnitBits=8, width=32,
        size=32, access="read-write", resetValue=0, resetMask=0xFFFFFFFF)
    peripheral = SubElement(SubElement(device, "peripherals"), "peripheral")
    add(peripheral, name=name.upper(), description="Registers and memories", baseAddress=0)
    for space in facts["spaces"]:
        if space["size"]:
            usage = "registers" if space["name"] in ("REGISTERS", "COUNTERS") else "buffer"
            add(SubElement(peripheral, "addressBlock"), offset=space["base"], size=space["size"],
                usage=usage)
    registers = SubElement(peripheral, "registers")
    for facts_of in facts["registers"]:
        add_register(registers, facts_of)
    counters = facts["spaces"][-1]
    if counters["size"]:
        add(SubElement(registers, "register"), dim=counters["size"] // 4, dimIncrement=4,
            name="COUNTER%s", description=counters["about"], addressOffset=counters["base"],
            access="read-only")
    ElementTree.indent(device)
    text = ElementTree.tostring(device, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'


def add_register(registers: Element, facts: dict[str, Any]) -> None:
    """Add a register and its fields."""
    register = SubElement(registers, "register")
    add(register, name=facts["name"], description=facts["about"], addressOffset=facts["offset"],
        access=facts["access"], resetValue=facts["reset"] or 0)
    if facts["fields"]:
        fields = SubElement(register, "fields")
        for field in facts["fields"]:
            add(SubElement(fields, "field"), name=field["name"], description=field["about"],
                bitOffset=field["low"], bitWidth=field["bits"])


def add(parent: Element, **values: Any) -> None:
    """Add elements that hold a value each; addresses and masks in hexadecimal."""
    for name, value in values.items():
        wide = name in ("baseAddress", "offset", "size", "addressOffset", "resetValue", "resetMask")
        SubElement(parent, name).text = f"0x{value:x}" if wide else str(value)

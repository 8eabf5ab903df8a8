"""The register map as a C header, which the driver includes."""

from typing import Any

__all__ = ["c_header"]


def c_header(facts: dict[str, Any], prefix: str) -> str:
    """Return the header: constants without types, for C and for assembly.

    Their names begin with the ``prefix`` in capitals.
    """
    prefix = prefix.upper()

    def define(name: str, value: str) -> str:  # numbers are unsigned in C, plain in assembly
        return f"#define {prefix}_{name} {value}"

    lines = [
        f"/* Registers and memories of {facts['name']}, Design {facts['design']}. */",
        f"#ifndef {prefix}_REGISTERS_H", f"#define {prefix}_REGISTERS_H", "",
        "/* The Design that this is the map of, and the size of its window, in bytes. */",
        define("FINGERPRINT_VALUE", f"0x{facts['fingerprint']:08x}"),
        define("IDENTITY_VALUE", f"0x{facts['registers'][0]['reset']:08x}"),
        define("WINDOW_SIZE", f"0x{facts['size']:x}"), "",
        "/* Spaces: where they begin, and how many bytes are there. */",
    ]
    for space in facts["spaces"]:
        lines += [define(space["name"], f"0x{space['base']:x}"),
                  define(f"{space['name']}_SIZE", f"0x{space['size']:x}")]
    lines += ["", "/* From a word of the program memory to the next. */",
              define("PROGRAM_STRIDE", str(facts["program_stride"])), ""]
    for register in facts["registers"]:
        lines += [f"/* {register['about']} ({register['access']}) */",
                  define(register["name"], f"0x{register['offset']:02x}")]
        for field in register["fields"]:
            name = f"{register['name']}_{field['name']}"
            mask = (1 << field["bits"]) - 1 << field["low"]
            lines += [define(f"{name}_SHIFT", str(field["low"])),
                      define(f"{name}_MASK", f"0x{mask:08x}")]
    return "\n".join([*lines, "", "#endif", ""])

"""A Program as C, for the driver."""

import re
from collections.abc import Iterable
from textwrap import wrap

import numpy as np

from ..compiler.program import Placement, Program, Stack
from ..cost.cycles import Array, run_cycles
from ..errors import UserError
from ..predict.sparse_steps import sparse_steps
from ..text import printable

__all__ = ["c_name", "c_program"]


def c_name(text: str) -> str:
    """Return a name for C, as near to a text as may be."""
    name = re.sub(r"\W", "_", text, flags=re.ASCII)
    return name if name[:1].isalpha() else f"network_{name}"


def c_program(program: Program, name: str) -> str:
    """Return a header that defines the ``hwgen_program`` of that name, to be included once."""
    if program.design.external:
        raise UserError("external must be left out for the driver in C, which fills no memory "
                        f"chip, not {program.design.external!r}")
    of_engine = {index: work.cycles for index, work in sparse_steps(program).items()}
    cycles = run_cycles(program.steps, Array.of(program.design), of_engine)
    image = np.frombuffer(program.strided_image, "<u4")
    guard = f"HWGEN_PROGRAM_{name.upper()}_H"
    compressed = [f"{{{offset}, {len(data) // 4}, {name}_sparse_{i}}}"
                  for i, (offset, data) in enumerate(program.compressed)]
    lines = [
        f"/* {comment(program.name)}, for the Design {program.design.name}. */",
        *(f"/* Left to the caller: {layer.operator} of {comment(', '.join(layer.inputs))}, which "
          f"gives {comment(layer.output)}. */" for layer in program.host_layers),
        f"#ifndef {guard}", f"#define {guard}", "", '#include "hwgen_types.h"', "",
        array(f"{name}_image", "uint32_t", (f"0x{word:x}" for word in image)),
        *(array(f"{name}_sparse_{i}", "uint32_t", np.frombuffer(data, "<u4"))
          for i, (_, data) in enumerate(program.compressed)),
        *([f"static const hwgen_words {name}_sparse[] = {{{', '.join(compressed)}}};"]
          if compressed else []),
        *tensors(program, name, "inputs", program.inputs),
        *tensors(program, name, "outputs", program.outputs),
        *(states(program, name) if program.states else []),
        f"static const hwgen_program {name} = {{",
        f"    .name = {c_string(program.name)},",
        f"    .fingerprint = 0x{program.design.fingerprint:08x},",
        f"    .steps = {len(cycles)},",
        f"    .cycles = {sum(cycles)},",
        f"    .watchdog = {2 * max(cycles, default=0) + 1000},",
        f"    .image_words = {len(image)},",
        f"    .image = {name}_image,",
        f"    .input_count = {len(program.inputs)},",
        f"    .output_count = {len(program.outputs)},",
        f"    .inputs = {name}_inputs,",
        f"    .outputs = {name}_outputs,",
        *([f"    .sparse_count = {len(compressed)},", f"    .sparse = {name}_sparse,"]
          if compressed else []),
        *([f"    .state_count = {len(program.states)},", f"    .states = {name}_states,"]
          if program.states else []),
        "};", "", "#endif", "",
    ]
    return "\n".join(lines)


def tensors(program: Program, name: str, kind: str, names: Iterable[str]) -> list[str]:
    """Return the definitions of inputs or of outputs."""
    lines, found = [], []
    for index, tensor in enumerate(names):
        placement, own = program.tensors[tensor], f"{name}_{kind}_{index}"
        every = placement.channels == tuple(range(len(placement.constants)))
        stack = placement.stack
        if stack != Stack():
            rows = (placement.height, stack.rows, stack.first, stack.stride, stack.step)
            lines.append(f"static const hwgen_stack {own}_stack = {{{', '.join(map(str, rows))}}};")
        if not every:
            lines += [array(f"{own}_places", "uint16_t", placement.channels),
                      array(f"{own}_constants", "int8_t", (v or 0 for v in placement.constants))]
        stacked = "0" if stack == Stack() else f"&{own}_stack"
        found.append(f"    {{{fields(placement, tensor, '' if every else own)}, {stacked}}},")
    return [*lines, f"static const hwgen_tensor {name}_{kind}[] = {{", *found, "};"]


def states(program: Program, name: str) -> list[str]:
    """Return the definitions of what stays between inferences."""
    lines, found = [], []
    for index, state in enumerate(program.states):
        lines.append(array(f"{name}_state_{index}", "int8_t", state.initial))
        found.append(f"    {{{{{fields(program.tensors[state.name], state.name, '')}, 0}}, "
                     f"{name}_state_{index}}},")
    return [*lines, f"static const hwgen_state {name}_states[] = {{", *found, "};"]


def fields(placement: Placement, name: str, own: str) -> str:
    """Return the values of a ``hwgen_tensor``; its arrays begin with ``own``, if it has any."""
    numbers = (placement.address, *placement.image,
               len(placement.channels) // placement.stack.rows, placement.pitch, placement.row)
    arrays = (f"{own}_places", f"{own}_constants") if own else ("0", "0")
    scale = float(np.float32(placement.scale)).hex()
    return ", ".join([c_string(name), *map(str, numbers), *arrays, str(placement.zero_point),
                      f"{scale}f"])


def array(name: str, kind: str, values: Iterable[object]) -> str:
    """Return the definition of an array."""
    return "\n".join([f"static const {kind} {name}[] = {{",
                      *wrap(", ".join(map(str, values)), 96, initial_indent="    ",
                            subsequent_indent="    "), "};"])


def comment(text: str) -> str:
    """Return a text that stays within a comment."""
    return printable(text).replace("*/", "*_").replace("/*", "_*")


def c_string(text: str) -> str:
    """Return a text as C has it; what is not ASCII becomes a question mark."""
    plain = text.encode("ascii", "replace").decode()
    return '"' + "".join(c if c.isprintable() and c not in '"\\?' else "_" for c in plain) + '"'

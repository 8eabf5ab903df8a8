# amaranth: UnusedElaboratable=no
"""From a Design to the files of its accelerator: Verilog, its waivers, the Design, its ports."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from amaranth import Shape

from .. import integration
from ..arch.address_map import BusWindow
from ..arch.design import Design, Integer
from ..errors import UserError
from ..golden.systolic import systolic as golden_systolic
from ..rtl.accelerator.accelerator import Accelerator
from ..rtl.accelerator.checked import CheckedAccelerator
from ..rtl.accelerator.frame import Frame
from ..rtl.accelerator.lstm.part import LstmPart
from ..rtl.accelerator.matmul_part import MatmulPart
from ..rtl.accelerator.part import Part
from ..rtl.accelerator.softmax_part import SoftmaxPart
from ..rtl.accelerator.sparse_part import SparsePart
from ..rtl.accelerator.streaming import StreamingAccelerator
from ..rtl.accelerator.table_part import TablePart
from ..rtl.accelerator.unpack_part import UnpackPart
from ..rtl.accelerator.wide_part import WidePart
from ..rtl.binary.accelerator import BinaryAccelerator
from ..rtl.compact.accelerator import CompactAccelerator
from ..rtl.systolic import systolic
from ..rtl.systolic.systolic import SystolicArray
from ..rtl.tops.catalogue import STREAM, Top
from ..tools.files import write_texts
from .conversion import convert, waivers
from .port_list import ports_page

__all__ = ["accelerator", "array", "component", "model", "module", "port_table", "shape",
           "verilog", "write"]


def shape(integer: Integer) -> Shape:
    """Return a type of a Design as a shape of Amaranth."""
    return Shape(integer.width, integer.signed)


def module(design: Design, top: Top = STREAM) -> str:
    """Return the name of a Design's top module."""
    return top.prefix or (top.module if design.activation_memory else design.engine)


def component(design: Design, top: Top = STREAM, contents: tuple[int, ...] = ()) -> Any:
    """Return the Amaranth component that a Design describes: an accelerator, or an array alone.

    The accelerator is in the top level ``top``, and its program memory begins with ``contents``.

    >>> hwgen.component(hwgen.Design(rows=2, columns=2)).latency
    6
    """
    if not design.activation_memory:
        return array(design)
    if design.external and top.mapped:
        raise UserError(f"external must be left out with the top level {top.name!r}, which has no "
                        f"pins for a memory chip, not {design.external!r}")
    return top.wrap(accelerator(design, contents, exposed=top.mapped),
                    BusWindow.of(design, streams=top.streams))


def accelerator(design: Design, contents: tuple[int, ...] = (), *, exposed: bool = False,
                ) -> Frame:
    """Return a Design's accelerator; with its bus ``exposed``, for a top level that has one."""
    if design.engine == "binary":
        return BinaryAccelerator(
            rows=design.rows, columns=design.columns, lanes=design.lanes,
            activation_memory=design.activation_memory, program_memory=design.program_memory,
            steps=design.steps, fingerprint=design.fingerprint, family=design.family,
            device=design.device, contents=contents, exposed=exposed)
    kind: Callable[..., Frame] = CompactAccelerator if design.compact else \
        StreamingAccelerator if design.external else \
        CheckedAccelerator if design.program_crc else Accelerator
    return kind(
        serial="bitserial" in design.parts, parts=attached_parts(design),
        rows=design.rows, columns=design.columns, lines=design.lines,
        lanes=design.lanes, hard_lanes=design.hard_lanes,
        activation_memory=design.activation_memory, program_memory=design.program_memory,
        partial_sums=design.partial_sums, line_pixels=design.line_pixels, steps=design.steps,
        rounding=design.rounding, fingerprint=design.fingerprint, family=design.family,
        device=design.device,
        dsps=None if design.family == "generic" else design.hard_multipliers,
        packed_rows=design.packed_rows, kept_vectors=design.kept_vectors,
        products=design.products, int4_weights=design.int4_weights, contents=contents,
        exposed=exposed, external=design.chip, protect=design.protect)


def attached_parts(design: Design) -> list[Part]:
    """Return the parts of a Design's accelerator that do steps beside its array."""
    makers: dict[str, Callable[[], Part]] = {
        "sparse": lambda: SparsePart(design.sparse_entries, design.sparse_columns,
                                     design.sparse_depth),
        "unpack": UnpackPart, "wide": lambda: WidePart(design.wide_rows),
        "table": lambda: TablePart(design.tables),
        "softmax": lambda: SoftmaxPart(hard=design.hard_lanes > 0),
        "matmul": MatmulPart, "lstm": lambda: LstmPart(design.lstm)}
    return [make() for name, make in makers.items() if name in design.parts]


def array(design: Design) -> SystolicArray:
    """Return a Design's array, without what an accelerator has around it."""
    kind = {"ws": systolic.WeightStationary, "os": systolic.OutputStationary}[design.dataflow]
    return kind(design.rows, design.columns, shape(design.activation), shape(design.weight),
                depth=design.terms, accumulator=design.accumulator, lines=design.lines,
                packed_rows=design.packed_rows, family=design.family, device=design.device,
                dsps=None if design.family == "generic" else design.hard_multipliers)


def model(design: Design) -> golden_systolic.WeightStationary | golden_systolic.OutputStationary:
    """Return the golden model of a Design's array, which computes the same with NumPy.

    >>> array = hwgen.model(hwgen.Design(rows=4, columns=4))
    >>> array.matrix([[1, 2, 3, 4]], [[1, 0, 0, 0]] * 4)
    array([[10,  0,  0,  0]])
    """
    sums = array(design).sums
    if design.dataflow == "os":
        return golden_systolic.OutputStationary(rows=design.rows, columns=design.columns,
                                                sum_width=sums.width, sum_signed=sums.signed)
    return golden_systolic.WeightStationary(rows=design.rows, columns=design.columns,
                                            lines=design.lines, packed_rows=design.packed_rows,
                                            sum_width=sums.width, sum_signed=sums.signed)


def verilog(design: Design, top: Top = STREAM, contents: tuple[int, ...] = ()) -> str:
    """Return the Verilog of a Design: the same text for the same Design, always.

    >>> "module systolic(" in hwgen.verilog(hwgen.Design(rows=2, columns=2))
    True
    """
    return convert(lambda: component(design, top, contents), module(design, top),
                   f"the Design {design.name}", top.prefix)


def port_table(design: Design, top: Top = STREAM) -> str:
    """Return the ports as a Markdown page.

    >>> hwgen.port_table(hwgen.Design(rows=2, columns=2)).splitlines()[0]
    '# Ports of `systolic`, Design `systolic_ws_2x2_int8_int8`'
    """
    title = f"# Ports of `{module(design, top)}`, Design `{design.name}`"
    if design.activation_memory:
        about = top.about
    else:
        alone = array(design)
        about = f"Latency: {alone.latency} cycles, interval: {alone.interval}. " + {
            "ws": "From the transfer of a vector of activations to its sums.",
            "os": "From the transfer of a tile's last step to its first row of sums, the last row.",
        }[design.dataflow]
    return ports_page(title, about, component(design, top))


def write(design: Design, folder: str | os.PathLike[str], top: Top = STREAM) -> list[Path]:
    """Write a Design's files into ``folder``, all of them or none, and return their paths.

    ``folder`` is made if it is not there; other files in it stay.

    >>> [path.name for path in hwgen.write(hwgen.Design(rows=2, columns=2), "array")]
    ['systolic.v', 'design.toml', 'ports.md', 'lint.vlt']
    """
    texts = {
        f"{module(design, top)}.v": verilog(design, top),
        "design.toml": design.to_toml(),
        "ports.md": port_table(design, top),
        "lint.vlt": waivers(design.family, top.module if top.prefix else ""),
        **integration.files(design, top),
    }
    return write_texts(Path(folder), texts)

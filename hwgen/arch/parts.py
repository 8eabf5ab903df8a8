"""The parts that do the steps of an accelerator, and what each says of itself.

An accelerator is a frame (host, memories, sequencer, fetch, accumulators, lanes, store) and the
parts in its socket. A Design names them (:attr:`hwgen.arch.design.Design.parts`). Hardware, golden
model, cost model and checker take them from here; docs/architecture.md says how to add one.
"""

from dataclasses import dataclass

from .steps import Mode

__all__ = ["FORMATS", "PARTS", "Part"]

FORMATS = "activation_format", "weight_format"
"""Fields of a descriptor that say how a bit-serial array's numbers are written."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """What the rest of an accelerator needs to know of a part.

    Members
    -------
    name : str
    modes : tuple of Mode
        Of the steps that it does; none of one that lies on the way of the frame's own.
    fields : tuple of str
        Of a descriptor, that say nothing where no part has them. All other fields are the frame's.
    reads, writes : tuple of str
        What its steps read and write: ``activations``, ``program``, ``sums`` (the accumulators),
        ``own`` (memories that nobody else has).
    errors : tuple of str
        By which its steps may end, besides DESCRIPTOR, WATCHDOG and STOPPED.
    rtl, golden, cost : str
        Where its hardware, its golden twin and its cycles are, behind ``hwgen.``.
    """

    name: str
    modes: tuple[Mode, ...]
    fields: tuple[str, ...] = ()
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    errors: tuple[str, ...]
    rtl: str
    golden: str
    cost: str


def array(name: str, rtl: str, *formats: str) -> Part:
    """Return an array, which multiplies vectors of activations by weights of the program memory."""
    return Part(name=name, modes=(Mode.MATRIX, Mode.DEPTHWISE),
                fields=("prime_x", "prime_y", *formats),
                reads=("activations", "program", "sums"), writes=("activations", "sums"),
                errors=("FETCH", "STORE", "PROGRAM", "SUMS"),
                rtl=rtl, golden="golden.accelerator.accelerator.Accelerator",
                cost="cost.cycles.Array")


PARTS = {part.name: part for part in (
    array("systolic", "rtl.accelerator.arrays.SystolicPart"),
    array("bitserial", "rtl.accelerator.arrays.BitSerialPart", *FORMATS),
    Part(name="binary", modes=(Mode.MATRIX,), reads=("activations", "program"),
         writes=("activations",), errors=("FETCH", "STORE", "PROGRAM"),
         rtl="rtl.binary.accelerator.BinaryAccelerator",
         golden="golden.binary.accelerator.BinaryAccelerator",
         cost="cost.binary_cycles.step_cycles"),
    Part(name="sparse", modes=(Mode.SPARSE,), fields=("slots", "column"),
         reads=("activations", "own"), writes=("sums",), errors=("FETCH", "PROGRAM", "SUMS"),
         rtl="rtl.accelerator.sparse_part.SparsePart",
         golden="golden.accelerator.parts.SparsePart",
         cost="golden.sparse.step.sparse_cycles"),
    Part(name="unpack", modes=(Mode.UNPACK,), fields=("slots", "weight_format"),
         reads=("program",), writes=("program",), errors=("PROGRAM",),
         rtl="rtl.accelerator.unpack_part.UnpackPart",
         golden="golden.accelerator.parts.UnpackPart",
         cost="golden.unpack.unpack.Packing.cycles"),
    Part(name="wide", modes=(Mode.WIDE,), reads=("activations", "program", "sums"),
         writes=("activations", "sums"), errors=("FETCH", "STORE", "PROGRAM"),
         rtl="rtl.accelerator.wide_part.WidePart",
         golden="golden.accelerator.parts.WidePart",
         cost="cost.cycles.Array.wide"),
    Part(name="table", modes=(Mode.TABLE,), fields=("table",), reads=("program", "own"),
         writes=("activations", "own"), errors=("PROGRAM",),
         rtl="rtl.accelerator.table_part.TablePart", golden="golden.accelerator.parts.TablePart",
         cost="cost.cycles.Array.table_step"),
    Part(name="softmax", modes=(Mode.SOFTMAX,), reads=("activations", "program", "own"),
         writes=("activations", "own"), errors=("FETCH", "STORE", "PROGRAM"),
         rtl="rtl.accelerator.softmax_part.SoftmaxPart",
         golden="golden.accelerator.parts.SoftmaxPart", cost="cost.cycles.Array.softmax"),
    Part(name="matmul", modes=(Mode.LOAD,), fields=("slots", "column"),
         reads=("activations", "own"), writes=("program", "own"), errors=("FETCH", "PROGRAM"),
         rtl="rtl.accelerator.matmul_part.MatmulPart",
         golden="golden.accelerator.parts.MatmulPart", cost="cost.cycles.Array.own_step"),
    Part(name="lstm", modes=(Mode.LSTM,), reads=("activations", "program", "own"),
         writes=("activations", "own"), errors=("FETCH", "STORE", "PROGRAM"),
         rtl="rtl.accelerator.lstm.part.LstmPart", golden="golden.accelerator.lstm.LstmPart",
         cost="cost.lstm.lstm_cycles"),
    Part(name="product", modes=(), fields=("product",), reads=("sums",), writes=("sums",),
         errors=(), rtl="rtl.accelerator.factors.select_factors",
         golden="golden.accelerator.post.Post", cost="cost.cycles.Array"),
    Part(name="int4", modes=(), fields=("weight_format",), reads=("program", "sums"),
         writes=("activations", "sums"), errors=(),
         rtl="rtl.systolic.cells.WeightStationaryCell",
         golden="golden.accelerator.accelerator.Accelerator", cost="cost.cycles.Array"),
    Part(name="keeping", modes=(), fields=("kept", "joined"), reads=("activations", "own"),
         writes=("activations", "own"), errors=(), rtl="rtl.accelerator.keeping.Keeping",
         golden="golden.accelerator.keeping.Keeping", cost="cost.cycles.Array"),
    Part(name="stream", modes=(), fields=("again", "holds"), reads=("own",), writes=("program",),
         errors=(), rtl="rtl.accelerator.program_stream.ProgramStream",
         golden="golden.external.page_stream.PageStream", cost="cost.stream.StreamedRun"),
    Part(name="crc", modes=(), reads=("program",), writes=(), errors=("CRC",),
         rtl="rtl.accelerator.checked.CheckedAccelerator",
         golden="golden.accelerator.accelerator.Accelerator", cost="cost.cycles.Array"),
    *(Part(name=name, modes=(), reads=("activations", "program"), writes=("activations", "program"),
           errors=("MEMORY",), rtl="rtl.accelerator.protection.Protection",
           golden="golden.accelerator.codes.decode", cost="cost.cycles.Array")
      for name in ("parity", "ecc")),
)}

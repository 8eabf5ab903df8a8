"""Steps that an accelerator stops at, by what is wrong with their descriptors."""

from hwgen.arch.descriptors import BINARY_FIELDS, Descriptors
from hwgen.arch.steps import FIELDS, LONGEST_ROW, MAGIC, Mode, Step, power_words, table_words

__all__ = ["long_loops", "plain", "write_fields", "wrong_fields"]

COUNTS = ("tiles", "pieces", "taps_x", "taps_y", "x", "y", "stride_x", "stride_y", "last_columns")


def plain(design, program):
    """Return a step that copies a vector from address 0; of ``binary``, one that multiplies it."""
    if design.engine == "binary":
        return Step(last_columns=design.columns, row_bytes=design.rows, program=program,
                    output=design.activation_memory // 2 & ~3, **Descriptors.of(design).same)
    return Step(mode=Mode.DIRECT, last_columns=design.columns, program=program,
                row_bytes=2 * design.activation_memory, height=9,
                output=design.activation_memory // 2)


def write_fields(design, words, index, fields):
    """Write fields of the descriptor of a step, whatever they are then."""
    forms = Descriptors.of(design)
    at = words[index * forms.words:(index + 1) * forms.words]
    whole = int.from_bytes(at.tobytes(), "little")
    for name, value in fields.items():
        low, bits = place(forms.binary, name)
        mask = (1 << bits) - 1
        whole = whole & ~(mask << low) | (value & mask) << low
    at[:] = memoryview(whole.to_bytes(at.size, "little")).cast("B", at.shape)


def place(binary, name):
    """Return the lowest bit of a field, and its bits."""
    if binary:
        return BINARY_FIELDS[name][:2]
    if name == "magic":
        return 56, 8
    word, low, bits, _ = FIELDS[name]
    return 32 * word + low, bits


def powers(low, high):
    """Return the powers of two from one number to another, that one excluded."""
    return [1 << bit for bit in range(32) if low <= 1 << bit < high]


def wrong_fields(design):
    """Yield fields that make :func:`plain` wrong, each bit that matters in turn."""
    size, columns, words = design.activation_memory, design.columns, design.program_words
    yield from ({"magic": MAGIC ^ 1 << bit} for bit in range(8))
    yield from ({"last_columns": value} for value in (columns + 1, *powers(columns + 1, 256)))
    yield from ({"program": value} for value in (words - 2, words, *powers(words, 1 << 16)))
    if design.engine == "binary":
        yield from binary_fields(design)
        return
    reach = 4 << (size - 1).bit_length()
    yield from ({name: 0} for name in COUNTS)
    yield from ({"mode": value} for value in modes(design))
    yield from ({"program": value} for value in (words - 8, *powers(1 << 16, 1 << 32)))
    if design.wide_rows:
        yield from wide_fields(design)
    if design.tables:
        yield from table_fields(design)
    if design.softmax:
        yield from softmax_fields(design, reach)
    if design.lstm:
        yield from cell_fields(design, reach)
    if design.matmul:
        yield from load_fields(design, reach)
    yield from ({"base": value} for value in (size, -1, *powers(size, reach - size)))
    yield from ({"base": -value} for value in powers(1, reach))
    step = min(size, 0xFFFF)
    for loop, by in (("x", "x_step"), ("tiles", "tile_step"), ("pieces", "piece_step"),
                     ("taps_x", "taps_x_step")):
        yield {loop: 2, by: step, "base": size - step}
    yield {"y": 2, "row_step": 1, "row_step_bytes": size}
    yield {"taps_y": 2, "taps_y_step": 1, "taps_y_step_bytes": size}
    yield from ({"output": value} for value in (
        size - columns + 1, size, *powers(size, reach - 64)))
    yield {"output": size - 1, "last_columns": 2}
    yield {"output": size - columns, "tiles": 2, "last_columns": 1}
    yield {"x": 2, "output_x_step": step, "output": size - step}
    yield {"y": 2, "output_row_step": size, "output": 0}
    sums = design.partial_sums
    if sums < 0xFFFF:
        yield {"x": sums + 1, "to_sums": 1}
        if design.products:
            yield {"x": sums + 1, "product": 1, "output": 0}
        yield {"y": sums + 1, "to_sums": 1}
        yield {"x": sums + 1, "pieces": 2, "output": 0}
        yield {"x": sums + 1, "mode": Mode.SUMS, "output": 0}


def long_loops(design):
    """Yield fields by which :func:`plain` takes long, each bit of the turns of a loop in turn."""
    if design.engine != "binary":
        for name in ("tiles", "pieces", "taps_x", "taps_y", "x", "y"):
            yield from ({name: 1 << bit | few} for bit in range(6, 16) for few in (1, 2))


def modes(design):
    """Return modes that an accelerator has not."""
    special = {Mode.SPARSE: design.engine == "sparse", Mode.UNPACK: design.decompress,
               Mode.WIDE: design.wide_rows > 0, Mode.TABLE: design.tables > 0,
               Mode.SOFTMAX: design.softmax, Mode.LOAD: design.matmul,
               Mode.LSTM: design.lstm > 0}
    return [mode for mode, there in special.items() if not there] + powers(10, 256)


def wide_fields(design):
    """Yield wrong fields of a step whose words are read at once, but not from there, or not all."""
    rows, words, wide = design.wide_rows, design.program_words, {"mode": Mode.WIDE}
    middle = words // 2 // rows * rows
    yield from (wide | {"program": middle + value} for value in powers(1, rows))
    yield from (wide | {"program": value} for value in (
        words - rows, words, words + rows, *powers(words, 1 << 32)))
    left = (words - middle) // rows  # vectors behind the middle
    yield from (wide | {"program": middle, name: left} for name in ("x", "y", "tiles", "pieces"))


def table_fields(design):
    """Yield wrong fields of a step that fills a table, with loops, or whose end is outside."""
    words, fills = design.program_words, {"mode": Mode.TABLE}
    yield from (fills | {name: value} for name in ("tiles", "pieces", "taps_x", "taps_y", "x", "y")
                for value in (0, *powers(2, 1 << 16)))
    least = words - table_words(design.columns) + 1
    yield from (fills | {"program": value} for value in (
        least, words - 1, words, *powers(least, 1 << 32)))


def softmax_fields(design, reach):
    """Yield wrong fields of a step of one row of a byte, or two of which one is outside."""
    words, size = design.program_words, design.activation_memory
    rows = {"mode": Mode.SOFTMAX, "row_bytes": 1}
    yield from (rows | {name: value} for name in ("tiles", "pieces", "taps_x", "taps_y")
                for value in (0, *powers(2, 1 << 16)))
    yield from (rows | {"row_bytes": value} for value in (
        0, LONGEST_ROW + 1, *powers(LONGEST_ROW + 1, 1 << 32)))
    least = words - power_words(design.columns) + 1
    yield from (rows | {"program": value} for value in (
        least, words - 1, words, *powers(least, 1 << 32)))
    yield from (rows | {"base": value} for value in (size, -1, *powers(size, reach)))
    yield from (rows | {"output": value} for value in (size, *powers(size, reach)))
    step = min(size, 0xFFFF)
    yield rows | {"x": 2, "x_step": step, "base": size - step}
    yield rows | {"y": 2, "row_step_bytes": size}
    yield rows | {"y": 2, "output_row_step": size, "output": 0}
    yield rows | {"row_bytes": 2, "output": size - 1}


def cell_fields(design, reach):
    """Yield wrong fields of a step of a cell with an input, of which nothing is written outside."""
    words, size, most = design.program_words, design.activation_memory, design.lstm
    cells = {"mode": Mode.LSTM, "row_bytes": 1, "height": 1, "offset": 1}
    yield from (cells | {name: value} for name in ("tiles", "pieces", "taps_x", "taps_y", "y")
                for value in (0, *powers(2, 1 << 16)))
    for name, bits in (("row_bytes", 32), ("height", 16)):
        yield from (cells | {name: value} for value in (0, most + 1, *powers(most + 1, 1 << bits)))
    yield from (cells | {"offset": value} for value in (words, *powers(words, 1 << 32)))
    yield from (cells | {"base": value} for value in (size, -1, *powers(size, reach)))
    yield from (cells | {"taps_y_step_bytes": value} for value in (
        size, size - 1, size - 2, *powers(size, reach)))
    yield from (cells | {"output": value} for value in (size, *powers(size, reach)))
    yield from (cells | {"output": 0, "output_row_step": value} for value in (
        size - 1, size, *powers(size, reach)))


def load_fields(design, reach):
    """Yield wrong fields of a step that loads weights, of which it does not write any word."""
    words, size, loads = design.program_words, design.activation_memory, {"mode": Mode.LOAD}
    yield loads | {"height": 0}
    yield from (loads | {name: value} for name in ("tiles", "pieces", "taps_x", "taps_y")
                for value in (0, *powers(2, 1 << 16)))
    least = words - design.rows + 1
    for column in (0, 3):
        turns = loads | {"column": column}
        yield from (turns | {"program": value} for value in (
            least, words - 1, words, *powers(least, 1 << 32)))
        yield from (turns | {"base": value} for value in (size, -1, *powers(size, reach)))


def binary_fields(design):
    """Yield wrong fields of a step of the engine ``binary``."""
    size, lanes = design.activation_memory, design.lanes
    yield from ({name: 0} for name in ("tiles", "pieces", "row_bytes", "last_columns"))
    yield from ({"output": 1 << bit} for bit in range(2) if 1 << bit < lanes)
    yield from ({"base": value} for value in (size, size - 1, *powers(size, 1 << 16)))
    yield from ({"row_bytes": value} for value in (size + 1, *powers(size + 1, 1 << 16)))
    last = (size - 1) // lanes * lanes
    yield from ({"output": value} for value in (last, size, *powers(size, 1 << 16))
                if value + design.columns > size)
    yield from ({"tiles": value, "output": 0} for value in powers(size, 1 << 16))
    yield from ({"pieces": value} for value in powers(design.program_words, 1 << 16))

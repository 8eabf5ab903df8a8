"""What has to be known of a mutant beside its design, so that it is proven equivalent.

ABC finds no invariant that is about sums of counters, or about what a register holds when nobody
looks at it. Here they are, by unit and place of the mutant. Nothing is believed: the proof that
outputs never differ holds all of a lemma to be true after each cycle, too, and so a wrong one, or
one too weak, proves nothing (:mod:`sim.mutation.equivalence`). What is assumed is of inputs only.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["LEMMAS", "PORT", "Lemma", "registers", "side_by_side", "words_of"]

PORT = re.compile(r"^  wire (?:width (\d+) )?(?:offset \d+ )?(?:upto )?(?:signed )?"
                  r"(input|output) \d+ (?:signed )?\\(\S+)$", re.MULTILINE)
WORDS = re.compile(r"^  cell \$mem_v2 \\(\S+)\n(?:    .*\n)*?    parameter \\SIZE (\d+)\n"
                   r"(?:    .*\n)*?    parameter \\INIT \d+'x$", re.MULTILINE)


@dataclass(frozen=True)
class Lemma:
    """What always holds of a design ``o`` and a mutant ``m`` of it.

    Verilog, in which ``o:name`` and ``m:name`` are registers or outputs of them, ``p:name`` is what
    an output of the design was a cycle before, and ``i:name`` is an input.

    Parameters
    ----------
    relations : mapping
        By register or output, what holds of it. All others are ``SAME``.
    legal : str
        What the unit's contract says of its inputs, in each cycle until then.
    instance : str
        All of this is of an instance of the design, whatever its inputs; or of the whole.
    places : mapping
        By memory, where the mutant has the word that is ``at`` in the design: for each word another
        place of the memory. Its initial words may be any.
    """

    relations: Mapping[str, str] = field(default_factory=dict)
    legal: str = "1"
    instance: str = ""
    places: Mapping[str, str] = field(default_factory=dict)

    def of(self, name: str) -> str:
        """Return what holds of a register or an output."""
        holds = self.relations.get(name, "SAME")
        return f"({holds.replace('SAME', f'(o:{name} == m:{name})')})"


def registers(rtlil: str) -> list[str]:
    """Return the names of a design's registers, also of those that are kept inverted."""
    wires = re.findall(r"^  cell \$\w*ff\w* .*\n(?:    .*\n)*?    connect \\Q (\S+)$", rtlil,
                       re.MULTILINE)
    inverted = dict(re.findall(
        r"^    connect \\A (\$\S+)\n    connect \\B .*\n    connect \\Y (\\\S+)$", rtlil,
        re.MULTILINE))
    names = [inverted.get(wire, wire) for wire in wires]
    return sorted(name[1:] for name in names if name.startswith("\\"))


def words_of(rtlil: str) -> dict[str, int]:
    """Return how many words each memory of a design has that has no initial ones."""
    return {name: int(size) for name, size in WORDS.findall(rtlil)}


def side_by_side(rtlil: str, memories: Sequence[str], lemma: Lemma,
                 words: Mapping[str, int] | None = None) -> str:
    """Return Verilog of a design ``gold``, a mutant ``gate``, and whether something is wrong.

    Parameters
    ----------
    rtlil : str
        The design, with ports for what was cut and for the registers.
    memories : sequence of str
        Of the memories that were cut those that give a word at once: the same one at the same
        place, and at another place anything.
    words : mapping, optional
        How many words memories have, of which the lemma may say that they are elsewhere.
    """
    ports = PORT.findall(rtlil)
    widths = {name: int(width or 1) for width, _, name in ports}
    heads, lines, given, wrong = [], [], {}, []
    for name, width in widths.items():
        size = f"[{width - 1}:0]"
        if (width, "input", name) in ((int(w or 1), way, n) for w, way, n in ports):
            heads.append(f"input {size} \\{name} ")
            given[name] = f"\\{name} ", f"\\{name} "
        else:
            given[name] = f"\\o:{name} ", f"\\m:{name} "
            lines.append(f"wire {size} {given[name][0]}, {given[name][1]};\n"
                         f"reg {size} \\p:{name} = 0; always @(posedge clk) "
                         f"\\p:{name} <= {given[name][0]};")
    reading = {f"{memory}__RD_{part}" for memory in memories
               for part in ("ADDR", "EN", "CLK", "ARST", "SRST")}
    moved = {memory: f"moved_{number}" for number, memory in enumerate(lemma.places)}
    for memory, name in moved.items():
        writes, size = widths[f"{memory}__WR_CLK"], (words or {})[memory]
        bits = widths[f"{memory}__WR_ADDR"] // writes
        heads.append(f"input [{bits - 1}:0] {name}_a, {name}_b ")
        lines.append(f"function [{bits - 1}:0] {name}(input [{bits - 1}:0] at); "
                     f"{name} = {lemma.places[memory]}; endfunction")
        # No two words are in one place, and none outside is inside.
        wrong.append(f"({name}_a != {name}_b && {name}({name}_a) == {name}({name}_b))")
        wrong.append(f"(({name}_a < {size}) != ({name}({name}_a) < {size}))")
    for memory in memories:
        data, place = f"{memory}__RD_DATA", f"{memory}__RD_ADDR"
        reads = widths[f"{memory}__RD_CLK"]
        word, bits = widths[data] // reads, widths[place] // reads
        heads.append(f"input [{widths[data] - 1}:0] \\other:{data} ")
        parts = [f"{moved.get(memory, '')}(\\o:{place} [{n * bits}+:{bits}]) == "
                 f"\\m:{place} [{n * bits}+:{bits}] ? "
                 f"\\{data} [{n * word}+:{word}] : \\other:{data} [{n * word}+:{word}]"
                 for n in reversed(range(reads))]
        lines.append(f"wire [{widths[data] - 1}:0] \\m:{data} = {{{', '.join(parts)}}};")
        given[data] = given[data][0], f"\\m:{data} "
    for _, way, name in ports:
        memory, _, part = name.rpartition("__")
        if part == "WR_ADDR" and memory in moved:
            wrong += written_elsewhere(memory, moved[memory], widths)
        elif way == "output" and name not in reading:
            wrong.append(f"!{lemma.of(name)}")
    for module, instance, side in (("original", "gold", 0), ("mutant", "gate", 1)):
        pins = ", ".join(f".\\{name} ({both[side]})" for name, both in given.items())
        lines.append(f"{module} {instance}({pins});")
    condition, legal = (
        re.sub(r"\b([omip]):([\w.$]*[\w$])",
               lambda found: f"\\{found[2]} " if found[1] == "i" else f"\\{found[0]} ", text)
        for text in (", ".join(wrong), lemma.legal))
    return "\n".join([
        f"module miter({', '.join(heads)}, output trigger);", *lines,
        f"wire legal = {legal};",
        "reg broken = 0; always @(posedge clk) broken <= broken | ~legal;",
        # Of so many, yosys cannot read a chain of operators.
        f"wire [{len(wrong) - 1}:0] wrong = {{{condition}}};",
        "assign trigger = legal & ~broken & |wrong;", "endmodule", ""])


def written_elsewhere(memory: str, moved: str, widths: Mapping[str, int]) -> list[str]:
    """Return what is wrong with the places that a mutant writes, if a function says which."""
    place, enable = f"{memory}__WR_ADDR", f"{memory}__WR_EN"
    writes = widths[f"{memory}__WR_CLK"]
    bits, each = widths[place] // writes, widths[enable] // writes
    return [f"((|o:{enable}[{n * each}+:{each}]) && {moved}(o:{place}[{n * bits}+:{bits}])"
            f" != m:{place}[{n * bits}+:{bits}])" for n in range(writes)]


def unpack(more: Mapping[str, str] | None = None) -> Lemma:
    """Return what holds of the unpacker's mutants, besides what is said."""
    used = "o:packed.entries || o:packed.code || o:packed.parameters"
    valid, behind = "decoder.$signal", "decoder.o__valid"
    return Lemma(legal="!i:start || i:descriptor[351:320] != 0", relations={
        # Counts on for nothing where no word is written, or no entry is there.
        "data": "!p:write || SAME",
        "packed.held": f"!({used}) || SAME",
        "packed.left": f"SAME && (!({used}) || o:packed.left != 0)",
        "value_1": f"!o:{valid} || SAME", "decoder._97_": f"!o:{valid} || SAME",
        "decoder.row": f"!o:{valid} || SAME", "decoder.last": f"!o:{valid} || SAME",
        "decoder.$signal$17": f"!o:{valid} || SAME",
        "value_2": f"!o:{behind} || SAME", "decoder.o__payload": f"!o:{behind} || SAME",
        # Until the first word behind the memory's end is wanted.
        "place": "SAME && (!o:busy || o:place <= 1509)",
        "packed.missing": "SAME && (!o:busy || o:packed.missing || o:packed.place <= 1500)",
        "packed.of_entries": "SAME && (o:packed.of_parameters == 0 || o:packed.of_entries != 0)",
    } | dict(more or {}))


def binary(more: Mapping[str, str] | None = None) -> Lemma:
    """Return what holds of the binary accelerator's mutants, besides what is said.

    Of 4 columns, 4 lanes, 500 words of program memory: a step asks for a word in each cycle in
    which it runs, and ends 6 cycles behind the last. So none takes more than 522 cycles, also where
    it fails. That is so by what is where in each of the sequencer's states.
    """
    state, asked, cycles = "o:sequencer.state", "o:sequencer.asked", "o:sequencer.step_cycles"
    place, wrong, wait = "o:sequencer.place$24", "o:sequencer.program_wrong_1", "o:sequencer.wait"
    low, high = "o:sequencer.$signal$16", "o:sequencer.high"
    columns = "o:sequencer.kept[7:0]"
    bad = f"({columns} == 0 || {columns} > 4)"
    words = ["o:sequencer.asking_1", "o:kind$20", "o:array.counted_1"]
    ends = [f"({word}[3] && {word}[4])" for word in words]
    # Where the last word of a step is, in each of the cycles in which it comes to its end.
    stages = [*ends, "(o:store.$signal != 0 && o:store.$signal$6)", "o:store.last", "o:store.done"]
    idle = " && ".join([f"{word}[3:0] == 0" for word in words] + ["o:store.$signal == 0"])
    early = f"!({' || '.join(stages)})"
    in_state = {
        0: f"{cycles} <= 522 && {early} && {idle}",
        1: f"{cycles} == 0 && {early} && {idle} && o:sequencer.place <= 262140",
        2: f"{cycles} == {asked} && {asked} <= 4 && {early} && {idle} && ({asked} == 0"
           " || o:sequencer.descriptor_wrong_1 || o:sequencer.place <= 500)"
           f" && o:sequencer.place >= {asked} && o:sequencer.place <= 32'd262140 + {asked}",
        3: "0",
        4: f"{cycles} == 5 && {early} && {idle} && o:sequencer.place <= 500 && !{wrong}",
        5: f"{early} && {cycles} >= 6 && {cycles} <= {place} + 32'd7 && !({low} && {high})"
           f" && {cycles} <= 32'd507 + {wrong} && o:sequencer.place <= 500"
           f" && ({cycles} != 6 || ({low} && o:sequencer.asking_1[3:0] == 0 && !{wrong}"
           f" && o:kind$20[3:0] == 0 && o:array.counted_1[3:0] == 0"
           f" && {place} <= 65535 && (!{bad} || (o:sequencer.begun_1 && o:sequencer.$signal$42))))"
           f" && ({cycles} == 6 || o:sequencer.asking_1[2:0] != 0)"
           f" && ({cycles} != 7 || ({high} && {place} <= 65535 && !{wrong}"
           f" && (!{bad} || o:sequencer.descriptor_wrong_1)))"
           f" && ({cycles} < 8 || (!{bad} && {place} <= ({wrong} ? 65537 : 500)))",
        6: f"!{bad} && o:sequencer.place <= 500 && {cycles} >= 8 && ("
           + " || ".join(
               f"({stage} && !({' || '.join(stages[:at] + stages[at + 1:])})"
               f" && {cycles} <= {508 + at}"
               + "".join(f" && {word}[3:0] == 0" for word in words[:at])
               + (" && o:store.$signal == 0)" if at > 3 else ")")
               for at, stage in enumerate(stages)) + ")",
        7: f"{cycles} <= 32'd514 + 32'd7 - {wait}"
           f" && (({wait} == 7 && {asked} <= 4) || {asked} == 0)"
           + "".join(f" && ({wait} >= {7 - at} || {word}[3:0] == 0)"
                     for at, word in enumerate(words))
           + f" && ({wait} == 7 || o:store.$signal == 0)"
             f" && ({wait} >= 6 || !o:store.last) && ({wait} >= 5 || !o:store.done)"
             f" && ({wait} >= 6 || o:store.$signal$10 == 0)",
    }
    holds = " && ".join(f"({state} != {number} || ({what}))" for number, what in in_state.items())
    return Lemma({
        "sequencer.state": f"SAME && {holds} && !o:sequencer.room"
                           f" && o:busy == ({state} != 0) && o:sequencer.clear == ({state} == 7)"
                           f" && ({state} != 7 || {asked} == 0 || ({idle}"
                           f" && o:store.$signal$10 == 0))"
                           + "".join(f" && (!{word}[3] || {word}[2])" for word in words) +
                           f" && ({asked} == 0 || {state} == 2 || {state} == 7)"
                           f" && (o:sequencer.begin == ({state} == 4)"
                           f" || ({state} == 7 && {wait} == 7)) && o:store.$signal <= 4"
                           f" && ({state} == 5 || {state} == 7 || !o:sequencer.begun_1)"
                           f" && ({state} >= 5 || o:store.$signal$10 == 0)",
    } | dict(more or {}))


def binary_cycles() -> Lemma:
    """Return what holds of the cycles of a run: each step in it has four words of its own.

    A step takes far less than 1024 cycles for each of them.
    """
    cycles, own, place = "o:sequencer.cycles", "o:sequencer.step_cycles", "o:sequencer.place"
    state, before = "o:sequencer.state", f"({place} - o:sequencer.asked)"
    return binary({"sequencer.cycles": f"SAME && ({state} > 1 || {cycles} <= 513000)"
                   f" && ({state} != 2 || {cycles} <= {own} + ({before} <= 500"
                   f" ? 32'd1024 * {before} : 32'd0))"
                   f" && ({state} < 4 || {state} == 7"
                   f" || ({place} >= 4 && {cycles} <= {own} + 32'd1024 * ({place} - 4)))"
                   f" && ({state} != 7 || {cycles} <= {own} + 32'd512000)"})


BINARY: dict[str, Lemma] = {
    # No run takes so many cycles: the memory has no words for them.
    "cnot1(27) $flatten\\sequencer.$procdff.Q[12] sequencer.cycles[12]": binary_cycles(),
    "cnot1(26) $flatten\\sequencer.$ternary.Y[20] sequencer._030_[20]": binary_cycles(),
    "const0 $flatten\\sequencer.$add.Y[20] sequencer._071_[20]": binary_cycles(),
    # No more outputs are left than there are columns: a descriptor that says so is refused in time.
    "const1 $flatten\\store.$and.B[0] store._002_[0]": binary(),
    # Behind an error, cycles are counted in another order, and as many.
    "inv $flatten\\sequencer.$procdff.D[1] sequencer._038_[1]": Lemma({
        "sequencer.wait": "o:sequencer.state != 7 || m:sequencer.wait =="
                          " (o:sequencer.wait ^ {1'd0, o:sequencer.wait[0], 1'd0})"}),
}

STATE, WINDOW, INDEX = "o:host.fsm_state", "o:host.window", "o:host.index"
OTHER = "(o:host.window ^ m:host.window)"
ELSEWHERE = "at ^ {5'd0, ~at[8], 3'd0}"
HOST = {
    # What is not read any more while the CRC of a reply is sent, and while data are, and what is
    # left of it in the two oldest bytes until the first bytes of a request have come.
    "host.window": f"(SAME || (({STATE} == 14 || {STATE} == 15 || {STATE} == 0)"
                   f" && ({OTHER} & ~96'h2020) == 0"
                   f" && (({OTHER} & 96'h2000) == 0 || {STATE} != 0 || {WINDOW}[15:8] == 0)))"
                   # Zeros come in with each byte of a reply that goes.
                   f" && ({STATE} != 6 || ({WINDOW} >> (32'd96 - 8 * {INDEX})) == 0)"
                   f" && ({STATE} != 14 || ({INDEX} <= 3"
                   f" && ({WINDOW} >> (32'd32 - 8 * {INDEX})) == 0))"
                   f" && ({STATE} != 15 || ({INDEX} == 0 && {WINDOW} == 0))",
    "host.stale": f"SAME || {STATE} >= 14 || {STATE} <= 1",
}


def moved(name: str, valid: str = "") -> str:
    """Return what holds of an address of the program, once a register says that it was asked."""
    here = f"program.{name}"
    until = f"|| !o:program.{valid}" if valid else ""
    return f"m:{here} == (o:{here} ^ {{5'd0, ~o:{here}[8], 3'd0}}) {until}"


# What is read first was not asked for, and is not shown; nothing is written so early.
PROGRAM = {"program.address_1": moved("address_1"),
           "program.mask_1": "SAME && (!o:program.mask_1 || o:program.where_1)"}
for bank in ("0", "16"):
    PROGRAM |= {
        f"program.row_{bank}": moved(f"row_{bank}", "where_1"),
        f"program.write_{bank}": f"SAME && (!o:program.write_{bank} || o:program.shown_1)",
        f"program.bank_0_{bank}__address": moved(f"bank_0_{bank}__address", "shown_1"),
        f"program.bank_0_{bank}__write":
            f"SAME && (!o:program.bank_0_{bank}__write || o:program.shown_2)",
        f"program.bank_0_{bank}._2_": "SAME || !o:program.shown_2",
        f"program.bank_0_{bank}.read_data": f"SAME || !o:program.shown_{bank}"}

ACCELERATOR: dict[str, Lemma] = {
    # While words are written nobody asks for the status, and then it is another one.
    "const1 $flatten\\host.$ternary.A[5]": Lemma({
        "host.status": f"SAME || ({STATE} >= 9 && {STATE} <= 13)"}, instance="host"),
    # Nothing is written while data are received, and so nothing ends that.
    "const1 $flatten\\host.$eq.A[3]": Lemma({
        "host.bus__write": f"SAME && (!o:host.bus__write || {STATE} == 13)"}, instance="host"),
    "cnot0(69) $flatten\\host.$ternary.Y[13] host._271_[13]": Lemma(HOST, instance="host"),
    # Half of the words are elsewhere, for whoever writes and whoever reads.
    "cnot0(8) $flatten\\program.$procdff.Q[3] program.address_1[3]": Lemma(
        PROGRAM, places={f"program.{bank}.rows": ELSEWHERE for bank in ("bank_0_0", "bank_0_16")},
        instance="program"),
}

LEMMAS: dict[str, dict[str, Lemma]] = {
    "accelerator": ACCELERATOR,
    "binary": BINARY,
    # Bit 5 is inverted twice a bit, and looked at when it is right again.
    "flash": {"inv $ternary.Y[5] _21_[5]":
              Lemma({"left": "m:left == (o:left ^ {o:clock, 5'd0})"})},
    "unpack": {
        # A tile of so many words is never done: the memory has less.
        "cnot1(12) $ternary.Y[11] _077_[11]": unpack({
            "rest": "SAME || (o:rest + o:place >= 4095 && m:rest + o:place >= 4095)"}),
        # As many entries are never there, of two a word.
        "cnot1(14) $flatten\\packed.$ternary.A[16] packed._013_[16]": unpack({
            "packed.of_entries": "(SAME || (o:packed.of_entries + 64'd2 * o:packed.place >= 16380"
                                 " && m:packed.of_entries + 64'd2 * o:packed.place >= 16380))"
                                 " && (o:packed.of_parameters == 0 || o:packed.of_entries != 0)"}),
        # The word that is asked for is not there yet, but will be when it is used.
        "const1 $flatten\\packed.$ternary.B[0]": unpack({
            "packed.asked_8": "SAME || !o:busy",
            "packed.come": "SAME || !o:busy || " + " || ".join(
                f"(o:packed.asked_{stage} && o:packed.due >= {9 - stage})"
                for stage in range(1, 9))}),
        # What is left of an entry behind its use.
        "cnot1(13) $flatten\\packed.$ternary.Y[0] packed._071_[0]": unpack(),
        "const0 $flatten\\packed.$ternary.Y[0] packed._016_[0]": unpack({
            "packed.left": "SAME || (o:packed.left == 1 && m:packed.left == 0"
                           " && o:packed.of_entries != 0)"}),
        # There are always entries behind the parameters.
        "const0 $flatten\\packed.$reduce_or.A[6]": unpack(),
    },
}

# amaranth: UnusedElaboratable=no
"""Mutants of a small design: what a bench notices, and what no bench can."""

import json
from pathlib import Path

import pytest
from amaranth import *
from amaranth.back import verilog
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

mutation = pytest.importorskip("sim.mutation.mutants")
campaign = pytest.importorskip("sim.mutation.campaign")
results = pytest.importorskip("sim.mutation.results")
equivalence = pytest.importorskip("sim.mutation.equivalence")
lemmas = pytest.importorskip("sim.mutation.lemmas")


class Adder(wiring.Component):
    """Add two numbers, into a register; ``unused`` is a bit that never changes anything."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "o": Out(9)})

    def elaborate(self, platform):
        m = Module()
        unused = Signal()
        m.d.sync += [unused.eq(unused & self.a[0]), self.o.eq(self.a + self.b ^ unused)]
        return m


class Products(wiring.Component):
    """Keep products in a memory that is too large for registers; ``unused`` as above."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "address": In(8), "write": In(1), "o": Out(16)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.products = products = Memory(shape=16, depth=256, init=[])
        write, read = products.write_port(), products.read_port(domain="comb")
        unused = Signal()
        m.d.sync += unused.eq(unused & self.a[0])
        m.d.comb += [write.addr.eq(self.address ^ unused), write.en.eq(self.write),
                     write.data.eq(self.a * self.b), read.addr.eq(self.address),
                     self.o.eq(read.data)]
        return m


class Steps(wiring.Component):
    """Count four steps after a start, so that the counter's highest bit is 0 while it counts."""

    def __init__(self):
        super().__init__({"start": In(1), "go": In(1), "o": Out(2), "busy": Out(1)})

    def elaborate(self, platform):
        m = Module()
        step = Signal(3)
        with m.If(self.busy & self.go):
            m.d.sync += step.eq(step + 1)
            with m.If(step == 3):
                m.d.sync += self.busy.eq(0)
        with m.If(~self.busy):
            m.d.sync += [step.eq(0), self.busy.eq(self.start)]
        m.d.comb += self.o.eq(step[:2])
        return m


class Around(wiring.Component):
    """An adder in another component, which shows but its lowest bits."""

    def __init__(self):
        super().__init__({"a": In(8), "b": In(8), "o": Out(4)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.adder = adder = Adder()
        m.d.comb += [adder.a.eq(self.a), adder.b.eq(self.b)]
        m.d.sync += self.o.eq(adder.o)
        return m


def netlist(folder, component=Adder, **options):
    """Return a design with mutants in it."""
    return mutation.instrument(verilog.convert(component(), name="top"), "top", folder, **options)


def test_every_mutant(tmp_path, monkeypatch):
    """A bench notices each of them, or a proof says that no bench can; in a relative folder."""
    monkeypatch.chdir(tmp_path)
    made = netlist(Path("build"), count=16, seed=3)
    fates = mutation.survey(made, "tests.sim.adder_bench")
    left = [mutant for mutant, fate in zip(made.mutants, fates, strict=True) if fate.passed]
    assert [fate.number for fate in fates] == list(range(1, 17))
    assert not any(fate.hung for fate in fates)
    assert 0 < len(left) < 9
    assert {equivalence.compare(made, mutant).answer for mutant in left} == {"equivalent"}


def test_differs(tmp_path):
    """Of a mutant that can be told from the design, the proof says after how many cycles."""
    made = netlist(tmp_path)
    mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == "inv"
                  and mutant.option("cell").startswith("$add"))
    verdict = equivalence.compare(made, mutant)
    assert verdict.answer == "different" and verdict.cycles <= 2
    assert not equivalence.soon_equivalent(made, mutant)


@pytest.mark.slow
def test_cut(tmp_path):
    """Memories and products are no obstacle; where they get something else, nothing is proven."""
    made = netlist(tmp_path, Products, count=400)

    def answer(mode, **place):
        mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == mode and all(
            mutant.option(name).startswith(start) for name, start in place.items()))
        return equivalence.compare(made, mutant).answer

    assert answer("const0", wire="unused") == "equivalent"
    assert answer("inv", cell="$mul", port="A") == "unknown"
    assert answer("inv", cell="$mul", port="Y") == "unknown"
    assert answer("inv", cell="products", port="WR_ADDR") == "unknown"
    assert answer("inv", cell="products", port="RD_DATA") == "unknown"


def mutant_of_step(made, bit, mode="inv"):
    """Return the mutant in which a bit of the next step is another one."""
    mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == "inv"
                  and mutant.option("cell").startswith("$add") and mutant.option("port") == "Y"
                  and mutant.option("portbit") == bit)
    return mutation.Mutant(1, mutant.change.replace("-mode inv", f"-mode {mode}"))


@pytest.mark.slow
def test_heals(tmp_path):
    """A difference that stays in a register, and one that comes out of it."""
    made = netlist(tmp_path, Steps, count=4000)

    def heals(bit, mode="inv"):
        mutant = mutant_of_step(made, bit, mode)
        equivalence.prove(made, mutant, [], 20, {})
        return equivalence.heals(made, mutant, [], 20, {})

    assert heals("2", "cnot1 -ctrlbit 1")  # 0 1 6 3
    assert heals("3")
    assert not heals("2")  # 0 5 2 7
    assert not heals("0")


def test_lemma(tmp_path):
    """What is said of a register is proven, too; a wrong lemma, or a wrong mutant, is not."""
    made = netlist(tmp_path, Steps, count=4000)

    def answer(bit, holds, mode="inv"):
        mutant = mutant_of_step(made, bit, mode)
        return equivalence.prove(made, mutant, [], 20, {}, lemmas.Lemma({"step": holds})).answer

    is_so = "m:step == (o:step == 2 ? 3'd6 : o:step)"
    assert answer("2", is_so, "cnot1 -ctrlbit 1") == "equivalent"  # 0 1 6 3
    assert answer("2", "SAME", "cnot1 -ctrlbit 1") == "different"
    assert answer("2", is_so) == "different"  # 0 5 2 7
    assert answer("0", "1") == "different"  # whatever the register, the outputs differ


def test_step(tmp_path):
    """What holds from cycle to cycle is proven so, whatever other names a register has."""
    made = netlist(tmp_path, Steps, count=4000)
    lemma = lemmas.Lemma({
        "step": "m:step == (o:step == 2 ? 3'd6 : o:step) && o:step <= 4 - o:busy"})
    equivalence.prove(made, mutant_of_step(made, "2", "cnot1 -ctrlbit 1"), [], 20, {}, lemma)
    names = tmp_path / "miter.map"
    names.write_text("".join(f"{line}\n{line.replace('step', 'memory__RD_ADDR')}\n"
                             for line in names.read_text().splitlines()))
    assert "gate.inner.memory__RD_ADDR" in names.read_text()
    assert equivalence.holds_by_step(tmp_path, lemma, 20)
    assert not equivalence.holds_by_step(tmp_path, lemmas.Lemma(), 20)  # as if steps were equal


@pytest.mark.slow
@pytest.mark.parametrize("bit, mode, place, answer", [
    (2, "cnot0 -ctrlbit 3", "at ^ {1'd0, ~at[3], 2'd0}", "equivalent"),
    (2, "cnot0 -ctrlbit 3", "at", "different"),  # they are not where they are said to be
    (2, "const0", "at & 4'd11", "different"),  # two are in one place
    (3, "cnot1 -ctrlbit 2", "at ^ {at[2], 3'd0}", "different")])  # there are but 12
def test_words_are_elsewhere(tmp_path, bit, mode, place, answer):
    """A memory's words may lie anywhere, one in each place, as long as all look for them there."""
    text = """module top(input clk, write, input [3:0] address, input [7:0] d, output reg [7:0] q);
              reg [3:0] at = 0; reg writes = 0; reg [7:0] given = 0, words[11:0];
              always @(posedge clk) begin
                at <= address; writes <= write; given <= d; q <= words[at];
                if (writes) words[at] <= given;
              end
              endmodule"""
    mutants = mutation.candidates(text, "top", tmp_path, count=900)
    made = mutation.Netlist("", "top", mutants, tmp_path)
    change = next(mutant.change for mutant in mutants if mutant.option("port") == "Q"
                  and mutant.option("mode") == "inv" and mutant.option("wire") == "at"
                  and mutant.option("portbit") == str(bit))
    mutant = mutation.Mutant(1, change.replace("-mode inv", f"-mode {mode}"))
    lemma = lemmas.Lemma({"at": f"m:at == ({place.replace('at', 'o:at')})"},
                         places={"words": place})
    assert equivalence.prove(made, mutant, equivalence.CUT, 20, {}, lemma).answer == answer


def test_unseen():
    """A difference that goes from register to register until nobody wants it, and one that shows.

    The first register gets the input or its inverse, and the second one the first.
    """
    def circuit(first, output):
        return equivalence.Circuit(f"aag 4 1 2 1 1\n2\n4 {first}\n6 4\n8\n8 {output} 2\n"
                                   "i0 a\no0 o\n")

    assert equivalence.unseen(circuit(2, 2), circuit(3, 2))
    assert equivalence.unseen(circuit(2, 6), circuit(2, 6))
    assert not equivalence.unseen(circuit(2, 6), circuit(3, 6))
    assert not equivalence.unseen(circuit(2, 2), circuit(2, 4))


@pytest.mark.slow
def test_no_wire(tmp_path):
    """Of what goes along with a value, nobody wants one bit in the end."""
    text = """module top(input clk, input [1:0] d, output reg q = 0);
              reg [1:0] a = 0, b = 0, c = 0;
              always @(posedge clk) begin a <= d; b <= a; c <= b; q <= c[0]; end
              endmodule"""
    made = mutation.instrument(text, "top", tmp_path, count=400)
    for mutant in made.mutants:
        if mutant.option("port") in ("D", "Q") and mutant.option("mode") == "inv":
            unused = mutant.option("portbit") == "1"
            assert equivalence.is_unseen(made, mutant, {}) == unused, mutant.place


def test_no_initial_value(tmp_path):
    """Registers without an initial value begin alike in both, whatever they do."""
    text = """module top(input clk, input [3:0] d, output reg [3:0] q);
              reg [3:0] before; wire [4:0] sum = before + 1;
              always @(posedge clk) begin before <= d; q <= sum[3:0]; end
              endmodule"""
    made = mutation.instrument(text, "top", tmp_path, count=400)
    mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == "inv"
                  and mutant.option("port") == "Y" and mutant.option("portbit") == "4")
    assert equivalence.compare(made, mutant).answer == "equivalent"
    assert equivalence.soon_equivalent(made, mutant)


def test_part_of_a_register(tmp_path):
    """A bit of a register begins with 0 as before where a mutant changes what is read of it."""
    text = """module top(input clk, d, output [1:0] o);
              reg [1:0] q = 0; assign o = q;
              always @(posedge clk) q <= {q[1] & d, d};
              endmodule"""
    made = mutation.instrument(text, "top", tmp_path, count=400)
    change = next(mutant.change for mutant in made.mutants if mutant.option("port") == "Q"
                  and mutant.option("mode") == "inv" and mutant.option("portbit") == "0")
    mutant = mutation.Mutant(1, change.replace("-mode inv", "-mode cnot1 -ctrlbit 1"))
    assert equivalence.compare(made, mutant).answer == "equivalent"


def test_clocks():
    """A memory that is read at once has no clock of its own, and ports of one clock have that."""
    text = "".join(f"    connect \\{given}\n" for given in (
        "CLK \\clk", "RD_CLK 1'x", "WR_CLK { \\clk \\clk }"))
    assert equivalence.clocks(text) == {"\\clk"}
    assert len(equivalence.clocks(text + "    connect \\CLK \\host_clk\n")) == 2
    assert len(equivalence.clocks(text + "    connect \\CLK 1'0\n")) == 2


@pytest.mark.parametrize("clock, answer", [("clk", "equivalent"), ("host_clk", "different")])
def test_two_clocks(tmp_path, clock, answer):
    """Registers that take the same are equal with one clock, and need not be with two."""
    text = f"""module top(input clk, host_clk, d, output q);
               reg a = 0, b = 0; wire apart = a ^ b; assign q = apart;
               always @(posedge clk) a <= d;
               always @(posedge {clock}) b <= d;
               endmodule"""
    made = mutation.instrument(text, "top", tmp_path, count=400)
    mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == "const0"
                  and mutant.option("cell").startswith("$xor") and mutant.option("port") == "Y")
    assert equivalence.compare(made, mutant).answer == answer


@pytest.mark.parametrize("bit, answer", [
    pytest.param(3, "different", marks=pytest.mark.slow), (7, "equivalent")])
def test_parts(tmp_path, bit, answer):
    """What differs in a part is compared in the whole, where it may be equivalent all the same."""
    made = netlist(tmp_path, Around, count=4000)
    mutant = next(mutant for mutant in made.mutants if mutant.option("mode") == "inv"
                  and mutant.option("cell").startswith("$flatten\\adder.$add")
                  and mutant.option("port") == "Y" and mutant.option("portbit") == str(bit))
    instance = equivalence.part(made, mutant, list(equivalence.parts(mutant))[-1])
    assert equivalence.compare(*instance).answer == "different"
    assert equivalence.compare_parts(made, mutant).answer == answer


def test_bench_fails_without(tmp_path, monkeypatch):
    """A bench that fails without any mutant says nothing of them."""
    monkeypatch.setenv("FAULT", "wrong")
    with pytest.raises(RuntimeError, match="fails on top without any mutant"):
        mutation.survey(netlist(tmp_path, count=2), "tests.sim.adder_bench")


def test_places(tmp_path):
    """The same mutants again, and such as are asked for."""
    made = netlist(tmp_path, count=20, seed=5)
    assert netlist(tmp_path, count=20, seed=5).mutants == made.mutants
    changes = [mutant.change for mutant in made.mutants[3:5]]
    again = netlist(tmp_path, changes=changes)
    assert [mutant.change for mutant in again.mutants] == changes
    assert "mutation" in again.verilog


@pytest.mark.slow
def test_alike(tmp_path):
    """The same places in another size of a design, if it has them."""
    text = """module top(input clk, input [N:0] d, output reg [N:0] q = 0);
              reg [N:0] before = 0; always @(posedge clk) begin before <= d; q <= before; end
              endmodule"""
    made = mutation.instrument(text.replace("N", "3"), "top", tmp_path / "4", count=400)
    found = mutation.alike(made.mutants, text.replace("N", "1"), "top", tmp_path / "2")
    there = {mutant.place for mutant in made.mutants if mutant.option("mode")[:4] != "cnot"
             and int(mutant.option("portbit")) < 2}
    assert there and there <= found.keys()
    assert all(found[place].place == place for place in found)


def test_report():
    found = results.Campaign("adder", "2x2", 1, 4, {"test_sum": 1}, ["inv o[1]"],
                             {"inv o[2]": "8x8"}, ["inv o[3]: unknown"], 2.0, "abc")
    text = results.report({"adder": vars(found)}, {"adder": "abc"})
    assert "| adder | 2x2 | 4 | 1 | 1 | 1 | 1 | 2 | yes |" in text
    assert "No campaign was run yet of: " in text and " uart" in text
    assert "Killed by:\n\n- `test_sum`: 1\n" in text
    assert "- `inv o[2]`: 8x8" in text and "- `inv o[3]: unknown`" in text
    assert "| 2 | **no** |" in results.report({"adder": vars(found)}, {"adder": "def"})


def test_what_has_changed(tmp_path, monkeypatch):
    """Without units those are tried whose Verilog is new or another one; the rest keeps its row."""
    kept, tried = tmp_path / "mutants.json", []
    text = {"new": "/* Generated by hwgen 1 */\nmodule new;", "same": "module same;",
            "other": "module other;"}

    def campaign_of(unit, *_, **__):
        tried.append(unit)
        return results.Campaign(unit, "2x2", 1, hardware=results.hardware_of(text[unit]))

    monkeypatch.setattr(campaign, "benches", lambda: text)
    monkeypatch.setattr(campaign, "source", lambda unit, design: (unit, text[unit]))
    monkeypatch.setattr(campaign, "run", campaign_of)
    kept.write_text(json.dumps({unit: vars(campaign_of(unit)) for unit in ("same", "other")}))
    text["other"] += " wire more;"
    tried.clear()
    assert campaign.main(["--results", str(kept)]) == 0
    assert tried == ["new", "other"]
    text["new"] = text["new"].replace("hwgen 1", "hwgen 2")
    assert campaign.main(["--results", str(kept)]) == 0
    assert tried == ["new", "other"]
    assert "**no**" not in kept.with_suffix(".md").read_text()


def test_last_bit_counts():
    """Of an output whose own last bit says so, the others count only while that is high."""
    ports = "  wire input 1 \\a\n  wire width 2 input 2 \\b\n  wire width 71 output 3 \\write\n"
    text = equivalence.masking_verilog(ports, {"write": "write[-1] a&~b[1]"})
    assert "assign \\write = \\raw_write & {71{\\raw_write [70] | \\a &~\\b [1]}};" in text


@pytest.mark.slow
def test_unit(tmp_path):
    """A whole campaign over a small unit leaves nothing."""
    found = campaign.run("ternary", tmp_path, count=30, seed=7)
    assert not found.survivors
    assert sum(found.killed.values()) + len(found.equivalent) + len(found.elsewhere) == 30

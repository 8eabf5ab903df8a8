"""Plays tiles on an array in Python's own simulator, as sim/systolic/tile_bench.py on Verilog."""

from sim.systolic.tiles import Played

from ..bench import simulate

__all__ = ["play"]


def play(work, tiles, *, gap=0.0, ahead=0):
    """Play tiles, so many words of weights ahead of any activation; return what happened."""
    dut = work.dut
    offers = work.offers(tiles, gap)
    ports = {"activations": dut.activations, "weights": dut.weights}
    played = Played(offers["activations"].taken, offers["weights"].taken, [], [])
    outputs = len(work.expected_sums(tiles))

    async def testbench(ctx):
        cycle = 0
        while len(played.sums) < outputs:
            for name, port in ports.items():
                waits = name == "activations" and len(played.weights) < ahead
                word = None if waits else offers[name].offer()
                ctx.set(port.valid, word is not None)
                if word is not None:
                    ctx.set(port.payload.as_value(), word)
            _, _, ready_a, ready_w, valid, payload = await ctx.tick().sample(
                dut.activations.ready, dut.weights.ready, dut.o.valid, dut.o.payload.as_value())
            for name, ready in (("activations", ready_a), ("weights", ready_w)):
                if offers[name].offered and ready:
                    offers[name].take(cycle)
            if valid:
                played.sums.append(work.sums(payload))
                played.cycles.append(cycle)
            cycle += 1

    simulate(dut, testbench, budget=work.budget(tiles))
    return played

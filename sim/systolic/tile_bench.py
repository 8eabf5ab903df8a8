"""What benches of arrays share that take tiles: activations and weights in, sums out."""

from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

from .. import PERIOD_NS
from .tiles import Played

__all__ = ["TileBench"]


class TileBench:
    """Plays tiles, and compares every sum and its cycle.

    Parameters
    ----------
    dut
        The array.
    work
        What makes its tiles, and knows what is due: ``Workload`` or ``BitWorkload``.
    """

    def __init__(self, dut, work):
        self.dut = dut
        self.work = work

    @classmethod
    async def set_up(cls, dut, work):
        """Return a bench whose clock runs, with idle streams, behind a reset."""
        Clock(dut.clk, PERIOD_NS, unit="ns", impl="gpi").start(start_high=False)
        dut.activations__valid.value = 0
        dut.weights__valid.value = 0
        bench = cls(dut, work)
        await bench.reset()
        return bench

    async def reset(self):
        """Hold reset for one cycle."""
        self.dut.rst.value = 1
        await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def play(self, tiles, *, gap=0.0, outputs=None, ahead=0):
        """Offer the tiles on both streams, pausing at random, until all sums have come.

        So many words of weights come ``ahead`` of any activation.
        """
        dut, work = self.dut, self.work
        offers = work.offers(tiles, gap)
        ports = {name: (getattr(dut, f"{name}__valid"), getattr(dut, f"{name}__ready"),
                        getattr(dut, f"{name}__payload")) for name in offers}
        played = Played(offers["activations"].taken, offers["weights"].taken, [], [])
        outputs = len(work.expected_sums(tiles)) if outputs is None else outputs
        budget, cycle = work.budget(tiles), 0
        while len(played.sums) < outputs:
            for name, (valid, _, payload) in ports.items():
                waits = name == "activations" and len(played.weights) < ahead
                word = None if waits else offers[name].offer()
                valid.value = word is not None
                if word is not None:
                    payload.value = word
            await RisingEdge(dut.clk)
            for name, (_, ready, _) in ports.items():
                if offers[name].offered and ready.value:
                    offers[name].take(cycle)
            if dut.o__valid.value:
                played.sums.append(work.sums(dut.o__payload.value.to_unsigned()))
                played.cycles.append(cycle)
            cycle += 1
            assert cycle < budget, f"{len(played.sums)} of {outputs} sums after {cycle} cycles"
        for valid, _, _ in ports.values():
            valid.value = 0
        return played

    async def check(self, tiles, **options):
        """Play the tiles and check what comes out."""
        played = await self.play(tiles, **options)
        self.work.check(played, tiles)
        return played

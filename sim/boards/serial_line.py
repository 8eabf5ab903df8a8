"""What may happen to bytes on a serial line, and the programs that let it happen in simulation."""

from dataclasses import dataclass
from pathlib import Path

__all__ = ["QUIET", "Noise", "main"]

LINE = Path(__file__).with_suffix(".h")


@dataclass(frozen=True)
class Noise:
    """How many of a million bits are turned round, and of a million bytes lost, doubled, delayed.

    In both directions. A delay may be longer than a host waits; no byte overtakes another.
    """

    flips: int = 0
    lost: int = 0
    doubled: int = 0
    delayed: int = 0
    seed: int = 1

    def words(self) -> list[str]:
        """Return them as the programs take them."""
        return [str(number) for number in (self.flips, self.lost, self.doubled, self.delayed,
                                           self.seed)]


QUIET = Noise()


def main(path: Path, *, reset: bool = True) -> str:
    """Return a program with the line in it, for a design that has ``rst`` or resets itself."""
    macro = f"#define RESET(level) {'top->rst = level' if reset else '(void)0'}\n"
    return macro + LINE.read_text() + path.read_text()

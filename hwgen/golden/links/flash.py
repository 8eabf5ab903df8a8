"""A flash memory at its SPI pins: the bits that it answers."""

__all__ = ["READ", "FlashMemory"]

READ = 0x03
"""The command to read: three bytes of address follow, the highest first."""


class FlashMemory:
    """A memory that does what data sheets say of mode 0, and nothing but read.

    It takes a bit as the clock rises, and gives one when it has fallen, the highest of a byte
    first. Behind the last byte comes the first one.

    Parameters
    ----------
    contents : bytes
        From address 0 on.

    Members
    -------
    commands : list of int
        The first 32 bits of each selection that had as many: command and address.
    """

    def __init__(self, contents: bytes) -> None:
        self.contents = contents
        self.commands: list[int] = []
        self._clock = self._answer = 0
        self._bits = 0
        self._word = 0

    def skip(self, count: int) -> None:
        """Be as if so many more bytes had been read."""
        self._bits += 8 * count

    def pins(self, select_n: int, clock: int, command: int) -> int:
        """Show it its pins, one after the other as they change, and return its data out."""
        if select_n:
            self._bits = self._word = 0
        elif clock and not self._clock:
            self._bits += 1
            if self._bits <= 32:
                self._word = self._word << 1 | command
            if self._bits == 32:
                self.commands.append(self._word)
        elif self._clock and not clock and self._bits >= 32 and self._word >> 24 == READ:
            address, bit = divmod(self._bits - 32, 8)
            byte = self.contents[((self._word & 0xFFFFFF) + address) % len(self.contents)]
            self._answer = byte >> (7 - bit) & 1
        self._clock = clock
        return self._answer

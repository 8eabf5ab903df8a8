"""SPI: the bytes that go either way while a master clocks."""

from collections.abc import Sequence

__all__ = ["exchange"]


def exchange(bits: Sequence[Sequence[int]], replies: Sequence[int],
             ) -> tuple[list[int], list[int], list[int]]:
    """Return the bytes that come, the bits that go, and the replies that are left.

    Golden twin of :class:`hwgen.rtl.links.spi.Spi`, of a slave that always has its next reply at
    hand.

    Parameters
    ----------
    bits : sequence of sequences of int
        What the master clocks out each time that it selects the slave.
    replies : sequence of int
        Bytes to be sent.
    """
    come, going, left = [], [], list(replies)
    for selected in bits:
        for start in range(0, len(selected), 8):
            byte = selected[start:start + 8]
            reply = left[0] if left else 0
            going += [reply >> 7 - place & 1 for place in range(len(byte))]
            if len(byte) == 8:  # or it is dropped, and the reply is sent again
                come.append(sum(bit << 7 - place for place, bit in enumerate(byte)))
                left = left[1:]
    return come, going, left

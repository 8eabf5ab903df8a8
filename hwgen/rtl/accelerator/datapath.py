"""The classes that an accelerator is made of, in which the fast and the compact one differ."""

from dataclasses import dataclass

from ..bitserial.array import BitSerial
from ..systolic.array import SystolicArray
from .accumulators import Accumulators
from .fetch import Fetch
from .memories import ByteMemory
from .post import Post
from .sequencer import Sequencer
from .store import Store
from .word_memory import WordMemory

__all__ = ["Datapath"]


@dataclass(frozen=True)
class Datapath:
    """The classes that an accelerator is made of."""

    array: type[SystolicArray]
    serial: type[BitSerial]
    program: type[WordMemory]
    activations: type[ByteMemory]
    fetch: type[Fetch]
    accumulators: type[Accumulators]
    post: type[Post]
    store: type[Store]
    sequencer: type[Sequencer]
    serial_sequencer: type[Sequencer]

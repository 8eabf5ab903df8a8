"""Modules that a design instantiates many times, converted once."""

import re
from typing import Any

from amaranth import *
from amaranth.back import rtlil  # type: ignore[attr-defined]
from amaranth.hdl import Fragment
from amaranth.lib import wiring

__all__ = ["Library", "place"]


class Library:
    """The ``platform`` under which a design is converted to text.

    Amaranth writes a module for every submodule, so a grid of 256 equal cells becomes 256 modules.
    Under a library they become instances of one. Simulation in Python has no library and takes the
    submodules themselves.

    Parameters
    ----------
    prefix : str
        What the names of all modules begin with, and two underscores; none: nothing. That of the
        top module is the caller's.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix and f"{prefix}__"
        self.modules: dict[object, tuple[str, wiring.Component]] = {}

    def module(self, kind: type[wiring.Component], *args: Any, **kwargs: Any,
               ) -> tuple[str, wiring.Signature]:
        """Return the name and the ports of the module for ``kind(*args, **kwargs)``."""
        key = (kind, args, tuple(sorted(kwargs.items())))
        if key not in self.modules:
            name = self.prefix + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
            count = sum(other.rstrip("_0123456789") == name for other, _ in self.modules.values())
            self.modules[key] = f"{name}_{count}" if count else name, kind(*args, **kwargs)
        name, component = self.modules[key]
        return name, component.signature

    def convert(self, top: Elaboratable, name: str, **kwargs: Any) -> str:
        """Return RTLIL of ``top`` and of every module that it takes from this library."""
        texts = [rtlil.convert(InOrder(top), name=name, platform=self, emit_src=False, **kwargs)]
        done: set[str] = set()
        while len(done) < len(self.modules):  # a module may take others
            for module, component in list(self.modules.values()):
                if module not in done:
                    texts.append(rtlil.convert(component, name=module, platform=self,
                                               emit_src=False))
                    done.add(module)
        return "\n".join(texts)


class InOrder(Elaboratable):
    """A component whose clocks become ports in the same order always.

    Amaranth makes those that it uses in the order of a set, another one in every process.
    """

    def __init__(self, component: Any) -> None:
        self.component = component

    def __getattr__(self, name: str) -> Any:
        """Return its ports and signature."""
        return getattr(self.component, name)

    def elaborate(self, platform: Any) -> Fragment:
        fragment = Fragment.get(self.component, platform)
        make = fragment._create_missing_domains
        fragment._create_missing_domains = lambda *args, **kwargs: sorted(
            make(*args, **kwargs), key=lambda domain: domain.name, reverse=True)
        return fragment


def place(m: Module, platform: object, name: str, kind: type[wiring.Component],
          *args: Any, **kwargs: Any) -> Any:
    """Add the submodule ``kind(*args, **kwargs)`` to ``m``, and return its ports."""
    if not isinstance(platform, Library):
        m.submodules[name] = component = kind(*args, **kwargs)
        return component
    module, signature = platform.module(kind, *args, **kwargs)
    ports = signature.create(path=(name,))
    connections = {}
    member: Any
    for path, member, value in signature.flatten(ports):
        side = "i" if member.flow is wiring.In else "o"
        connections[f"{side}_{'__'.join(map(str, path))}"] = Value.cast(value)
    m.submodules[name] = Instance(module, i_clk=ClockSignal(), i_rst=ResetSignal(), **connections)
    return ports

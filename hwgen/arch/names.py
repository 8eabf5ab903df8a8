"""Names of accelerators: what everything global of one begins with, so that two go together."""

import re

from ..errors import UserError

__all__ = ["identifier_of"]

RESERVED = frozenset("""
accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before
begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class
clocking cmos config const constraint context continue cover covergroup coverpoint cross deassign
default defparam design disable dist do edge else end endcase endchecker endclass endclocking
endconfig endfunction endgenerate endgroup endinterface endmodule endpackage endprimitive
endprogram endproperty endsequence endspecify endtable endtask enum event eventually expect export
extends extern final first_match for force foreach forever fork forkjoin function generate genvar
global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include
initial inout input inside instance int integer interconnect interface intersect join join_any
join_none large let liblist library local localparam logic longint macromodule matches medium
modport module nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or
output package packed parameter pmos posedge primitive priority program property protected pull0
pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence
rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran rtranif0
rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal
showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct
super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union
unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor
""".split())
"""Words of SystemVerilog (IEEE 1800-2017): no module has such a name."""

ENDINGS = ("_registers", "_stream")
"""Ends of names that another accelerator's names in C have, too: npu_registers.h, and the macro
NPU_STREAM_STATUS of an accelerator npu."""


def identifier_of(name: str) -> str:
    """Return what the names in Verilog and C of an accelerator called ``name`` begin with.

    It has no two underscores in a row, so that the first two in the name of a module are those
    behind it: accelerators of different names share no module.
    """
    found = name.replace("-", "_")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)*", found):
        likely = "_".join(re.findall(r"[A-Za-z0-9]+", name))
        likely = likely if likely[:1].isalpha() else f"npu_{likely}".rstrip("_")
        raise UserError(f"--name must be letters and digits with single underscores or dashes "
                        f"between them, a letter first, as names in Verilog and C begin with it, "
                        f"not {name!r}; {likely} would do, and --output names the folder")
    if found in RESERVED:
        raise UserError(f"--name must not be {name!r}, a word of Verilog, as the top module gets "
                        f"that name; {found}_npu would do")
    if re.match(r"hwgen(_|$)", found, re.I):
        raise UserError(f"--name must not begin with hwgen, as names that all accelerators share "
                        f"do, not {name!r}; {('npu' + found[5:])} would do")
    for ending in ENDINGS:
        if found.lower().endswith(ending):
            raise UserError(f"--name must not end in {ending}, as names in C of the accelerator "
                            f"{found[:-len(ending)]} do, not {name!r}; {found}_npu would do")
    return found

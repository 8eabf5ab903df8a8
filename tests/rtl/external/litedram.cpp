// LiteDRAM's checker of commands. tests/rtl/external/test_litedram.py starts it: simulator TRACE, whose records are
// four words of 32 bits: cycle, command, bank, address. It prints what it finds wrong.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <memory>

int main(int, char** argv) {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    uint32_t cycle = 0, count = 0;
    top->sys_rst = top->bus_p0_cs_n = 0;
    const auto tick = [&](uint32_t command, uint32_t bank, uint32_t address) {
        top->bus_p0_ras_n = command & 1;
        top->bus_p0_cas_n = command >> 1 & 1;
        top->bus_p0_we_n = command >> 2 & 1;
        top->bus_p0_bank = bank;
        top->bus_p0_address = address;
        top->sys_clk = 0; top->eval();
        top->sys_clk = 1; top->eval();
        ++cycle;
    };
    FILE* const trace = fopen(argv[1], "rb");
    for (uint32_t given[4]; fread(given, sizeof given, 1, trace) == 1; ++count) {
        while (cycle < given[0]) tick(7, 0, 0);
        tick(given[1], given[2], given[3]);
    }
    printf("%u commands\n", count);
    fclose(trace);
    return 0;
}

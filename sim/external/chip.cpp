// A memory chip's model alone: what is on its pins in each cycle comes on standard input, what is wrong
// with it goes to standard output. sim/external/pages.py starts it.
//
// A cycle is five words of 32 bits: command, bank, address, whether the bus is driven, and masked.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <memory>

int main() {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    uint32_t pins[5];
    while (fread(pins, sizeof pins, 1, stdin) == 1) {
        top->ras_n = pins[0] & 1;
        top->cas_n = pins[0] >> 1 & 1;
        top->we_n = pins[0] >> 2 & 1;
        top->ba = pins[1];
        top->a = pins[2];
        top->dq_oe = pins[3];
        top->dqm = pins[4];
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
        putchar(top->fault);
    }
    return 0;
}

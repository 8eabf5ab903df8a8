// An unrolled network between two streams: hwgen/runtime/unrolled.py is at the other end.
//
// Called with: simulator COUNT INPUT_BYTES OUTPUT_BYTES GAP STALL SEED. Of 256 cycles, in about GAP
// nothing is offered, and in about STALL nothing is taken. Inputs come in, and for each there go
// out the cycles of both transfers and the output.

#include "Vtop.h" // Verilator writes __ in a name as ___05F
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

int main(int, char** argv) {
    const auto number = [&](int place) { return strtoull(argv[place], nullptr, 10); };
    const uint64_t count = number(1), in = number(2), out = number(3), gap = number(4),
                   stall = number(5);
    std::mt19937 random(number(6));
    std::vector<uint8_t> inputs(count * in);
    if (fread(inputs.data(), 1, inputs.size(), stdin) != inputs.size()) return 1;
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    for (int cycle = 0; cycle < 4; ++cycle) {
        top->rst = cycle < 2;
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
    }
    const uint64_t budget = 1000 + 40 * count;
    std::vector<uint64_t> taken;
    std::vector<uint8_t> output(out);
    uint64_t given = 0;
    bool offered = false, held = false;
    std::vector<uint8_t> before(out);
    for (uint64_t cycle = 0; given < count && cycle < budget; ++cycle) {
        if (!offered) offered = taken.size() < count && (random() & 255) >= gap;
        top->i___05Fvalid = offered;
        if (offered) memcpy(&top->i___05Fpayload, &inputs[taken.size() * in], sizeof top->i___05Fpayload);
        top->o___05Fready = (random() & 255) >= stall;
        top->clk = 0; top->eval();
        if (top->o___05Fvalid) memcpy(output.data(), &top->o___05Fpayload, sizeof top->o___05Fpayload);
        if (held && (!top->o___05Fvalid || output != before)) return 2;  // an offer was taken back
        held = top->o___05Fvalid && !top->o___05Fready;
        before = output;
        const bool moves_in = offered && top->i___05Fready, moves_out = top->o___05Fvalid && top->o___05Fready;
        if (moves_in) { taken.push_back(cycle); offered = false; }
        if (moves_out) {
            if (given >= taken.size()) return 3;  // more came out than went in
            const uint64_t cycles[2] = {taken[given], cycle};
            fwrite(cycles, sizeof cycles, 1, stdout);
            fwrite(output.data(), 1, out, stdout);
            ++given;
        }
        top->clk = 1; top->eval();
    }
    return given == count ? 0 : 4;  // the budget is used up
}

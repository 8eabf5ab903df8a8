// A simulated board at the two wires of its serial port: sim/boards/wire.py is at the other end.
//
// It answers the requests that hwgen/runtime/simulation.cpp does, and time is counted alike; what it
// is told to begin with: simulator DIVISOR FLIPS LOST DOUBLED DELAYED SEED.

#include "Vtop.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

struct Request {
    uint64_t cycles;
    uint32_t send;
    uint32_t want;
};

struct Answer {
    uint64_t cycles;
    uint32_t received;
    uint32_t unsent;
};

int main(int, char** argv) {
    const auto number = [&](int place) { return uint32_t(strtoul(argv[place], nullptr, 10)); };
    SerialLine line(number(1), {number(2), number(3), number(4), number(5), number(6)});
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    top->rx = 1;
    for (int cycle = 0; cycle < 4; ++cycle) {
        RESET(cycle < 2);
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
    }

    Request request;
    std::vector<uint8_t> data;
    while (fread(&request, sizeof request, 1, stdin) == 1) {
        data.resize(request.send);
        if (fread(data.data(), 1, data.size(), stdin) != data.size()) break;
        line.to_design.insert(line.to_design.end(), data.begin(), data.end());
        const bool exactly = request.want == UINT32_MAX;
        uint64_t cycle = 0, moved = 0;
        while (cycle - moved < request.cycles
               && (exactly || !line.sent() || line.to_host.size() < request.want)) {
            top->rx = line.drive();
            top->clk = 0; top->eval();
            top->clk = 1; top->eval();
            line.sample(top->tx);
            ++cycle;
            if (line.moved && !exactly) moved = cycle;
        }
        const Answer answer{cycle, uint32_t(line.to_host.size()), uint32_t(line.to_design.size())};
        data.assign(line.to_host.begin(), line.to_host.end());
        line.to_host.clear();
        if (fwrite(&answer, sizeof answer, 1, stdout) != 1
            || fwrite(data.data(), 1, data.size(), stdout) != data.size() || fflush(stdout)) break;
    }
    return 0;
}

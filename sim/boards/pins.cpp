// A board at its pins: the design's two serial wires, and a pseudo-terminal in the place of the
// port on the host. sim/boards/pins.py starts it: simulator FD DIVISOR FLIPS LOST DOUBLED DELAYED SEED. It
// ends when its standard input does.

#include "Vtop.h"
#include "verilated.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

int main(int, char** argv) {
    const auto number = [&](int place) { return uint32_t(strtoul(argv[place], nullptr, 10)); };
    const int port = number(1);
    SerialLine line(number(2), {number(3), number(4), number(5), number(6), number(7)});
    fcntl(port, F_SETFL, O_NONBLOCK);

    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    top->rx = 1;
    for (int cycle = 0; cycle < 4; ++cycle) {
        RESET(cycle < 2);
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
    }

    uint64_t still = 0;  // cycles in which no byte went either way
    for (;; ++still) {
        if (still % 64 == 0) {
            // Nobody wants anything: there is no need to hurry.
            const bool idle = still > 2000000 && line.sent();
            pollfd ends[2] = {{0, POLLIN, 0}, {port, POLLIN, 0}};
            if (poll(ends, 2, idle ? 1 : 0) > 0) {
                uint8_t data[4096];
                if (ends[0].revents && read(0, data, sizeof data) <= 0) break;
                const ssize_t count = ends[1].revents & POLLIN ? read(port, data, sizeof data) : 0;
                if (count > 0) line.to_design.insert(line.to_design.end(), data, data + count);
            }
        }
        top->rx = line.drive();
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
        line.sample(top->tx);
        if (line.moved) still = 0;
        for (; !line.to_host.empty(); line.to_host.pop_front())
            while (write(port, &line.to_host.front(), 1) < 1) usleep(1000);
    }
    return 0;
}

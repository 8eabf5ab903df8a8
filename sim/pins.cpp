// A board at its pins: the design's two serial wires, and a pseudo-terminal in the place of the
// port on the host. sim/pins.py starts it: simulator FD DIVISOR FLIPS SEED. It ends when its
// standard input does.
//
// RESET is a macro, which sets the design's reset where it has one; sim/pins.py defines it.
//
// Bits on the wires take DIVISOR cycles. Of a million of them FLIPS are turned round, in both
// directions, whatever they are: a start bit, a data bit, a stop bit.

#include "Vtop.h"
#include "verilated.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>

static uint64_t state;

static uint32_t draw() {  // xorshift64*
    state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
    return (state * 2685821657736338717ull) >> 32;
}

static uint32_t flips;

static bool noisy(bool level) { return level ^ (draw() % 1000000 < flips); }

int main(int, char** argv) {
    const int port = atoi(argv[1]), divisor = atoi(argv[2]);
    flips = atoi(argv[3]);
    state = 0x9e3779b97f4a7c15ull + atoi(argv[4]);
    fcntl(port, F_SETFL, O_NONBLOCK);

    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    top->rx = 1;
    for (int cycle = 0; cycle < 4; ++cycle) {
        RESET(cycle < 2);
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
    }

    std::deque<uint8_t> queue;  // from the host
    uint32_t sending = 0, taken = 0;
    int bits_left = 0, wait = 0;         // of the byte to the design
    int bits_come = -1, sample = 0;      // of the byte from the design; -1: none
    uint64_t still = 0;                  // cycles in which no byte went either way
    for (;; ++still) {
        if (still % 64 == 0) {
            // Nobody wants anything: there is no need to hurry.
            const bool idle = still > 2000000 && queue.empty();
            pollfd ends[2] = {{0, POLLIN, 0}, {port, POLLIN, 0}};
            if (poll(ends, 2, idle ? 1 : 0) > 0) {
                uint8_t data[4096];
                if (ends[0].revents && read(0, data, sizeof data) <= 0) break;
                const ssize_t count = ends[1].revents & POLLIN ? read(port, data, sizeof data) : 0;
                if (count > 0) queue.insert(queue.end(), data, data + count);
            }
        }
        if (wait) {
            --wait;
        } else if (bits_left) {
            top->rx = noisy(sending & 1);
            sending >>= 1;
            --bits_left;
            wait = divisor - 1;
        } else {
            top->rx = 1;
            if (!queue.empty()) {
                sending = queue.front() << 1 | 1 << 9;
                queue.pop_front();
                bits_left = 10;
                still = 0;
            }
        }
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
        if (bits_come < 0) {
            if (!top->tx) {
                bits_come = taken = 0;
                sample = divisor / 2;
            }
        } else if (sample) {
            --sample;
        } else {
            taken |= uint32_t(noisy(top->tx)) << bits_come++;
            sample = divisor - 1;
            const bool false_start = bits_come == 1 && taken & 1;
            if (bits_come == 10 || false_start) {
                const uint8_t byte = taken >> 1;
                if (!false_start && taken >> 9)
                    while (write(port, &byte, 1) < 1) usleep(1000);
                bits_come = -1;
                still = 0;
            }
        }
    }
    return 0;
}

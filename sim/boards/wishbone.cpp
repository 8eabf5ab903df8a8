// A system with nothing but a master of Wishbone, and an accelerator. sim/boards/wishbone.py starts it, and
// whoever has its standard input and output is the master's program.
//
// A Command reads or writes a word, or lets the clock run until the interrupt is there, for so many
// cycles at most. Each is answered, in order. A bus that does not answer within PATIENCE cycles ends
// the simulation. The master is idle for some cycles before each.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>

struct Command {
    uint32_t kind, address, value;
};

struct Answer {
    uint32_t error, value;
};

enum { READ, WRITE, WAIT };

static const int PATIENCE = 1000;

int main() {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    const auto clock = [&] {
        top->clk = 0; top->eval();
        top->clk = 1; top->eval();
    };
    top->wb_cyc = top->wb_stb = 0;
    top->rst = 1;
    clock(); clock();
    top->rst = 0;

    uint32_t chance = 1;
    Command command;
    while (fread(&command, sizeof command, 1, stdin) == 1) {
        Answer answer{0, 0};
        if (command.kind == WAIT) {
            for (uint32_t cycle = 0; cycle < command.value && !top->irq; ++cycle) clock();
            answer.value = top->irq;
        } else {
            chance = chance * 1664525 + 1013904223;
            for (uint32_t cycle = 0; cycle < (chance >> 24 & 7); ++cycle) clock();
            top->wb_cyc = top->wb_stb = 1;
            top->wb_we = command.kind == WRITE;
            top->wb_adr = command.address >> 2;
            top->wb_sel = 15;
            top->wb_dat_w = command.value;
            for (int cycle = 0;; ++cycle) {
                if (cycle == PATIENCE) {
                    fprintf(stderr, "no answer from the bus at 0x%x\n", command.address);
                    return 1;
                }
                top->clk = 0; top->eval();
                const bool ack = top->wb_ack, err = top->wb_err;
                answer.value = top->wb_dat_r;
                top->clk = 1; top->eval();
                if (ack || err) {
                    answer.error = err;
                    break;
                }
            }
            top->wb_cyc = top->wb_stb = 0;
        }
        if (fwrite(&answer, sizeof answer, 1, stdout) != 1 || fflush(stdout)) return 1;
    }
    return 0;
}

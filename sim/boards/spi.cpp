// A master of SPI, mode 0, and a design. sim/boards/spi.py starts it: simulator RATIO, the cycles of a bit.
//
// A request is the number of bytes to clock, and those bytes; the answer are the bytes that came.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

int main(int, char** argv) {
    const int ratio = atoi(argv[1]);
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    const auto clock = [&](int cycles) {
        while (cycles--) {
            top->clk = 0; top->eval();
            top->clk = 1; top->eval();
        }
    };
    top->spi_cs_n = 1;
    top->spi_sck = 0;
    top->rst = 1;
    clock(2);
    top->rst = 0;

    uint32_t count;
    while (fread(&count, sizeof count, 1, stdin) == 1) {
        std::vector<uint8_t> data(count);
        if (fread(data.data(), 1, count, stdin) != count) break;
        top->spi_cs_n = 0;
        clock(ratio);
        for (uint8_t& byte : data) {
            uint8_t come = 0;
            for (int bit = 7; bit >= 0; --bit) {
                top->spi_mosi = byte >> bit & 1;
                clock(ratio - ratio / 2);
                come = come << 1 | top->spi_miso;
                top->spi_sck = 1;
                clock(ratio / 2);
                top->spi_sck = 0;
            }
            byte = come;
        }
        clock(ratio);
        top->spi_cs_n = 1;
        clock(ratio);
        if (fwrite(data.data(), 1, count, stdout) != count || fflush(stdout)) break;
    }
    return 0;
}

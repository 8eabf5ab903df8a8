// Runs of a page stream out of a memory chip, and what takes words from its ring. sim/external/streams.py
// starts it: runs on standard input, what became of each on standard output.
//
// First come the number of pages that are filled; then, of each run, cycles of a pause ahead, its first
// page, its pages, its number of steps, and the steps, of three words each: words that it brings, its cycles, words that it
// releases. The answer is the cycle of its start, that of the begin of each step, that of its end, and of words
// that were wrong; at the end comes the fault of the chip's model.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <vector>

static uint32_t word_of(uint32_t page, uint32_t n) {
    uint32_t x = page * 0x9E3779B9u + n * 0x85EBCA6Bu;
    x ^= x >> 15; x *= 0xC2B2AE35u; x ^= x >> 13;
    return x & MASK;
}

int main() {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    std::vector<uint32_t> ring(RING * RATIO), results;
    uint32_t cycle = 0;
    const auto settle = [&] { top->clk = 0; top->eval(); };
    const auto tick = [&] {
        if (top->enable)
            for (uint32_t n = 0; n < RATIO; ++n) {
                top->part = n; top->eval();
                ring[top->address * RATIO + n] = top->data;
            }
        top->clk = 1; top->eval();
        ++cycle;
    };
    const auto read = [] { uint32_t word = 0; return fread(&word, 4, 1, stdin) == 1 ? word : ~0u; };

    // The chip is filled by the controller, which the stream has left alone so far.
    const uint32_t filled = read();
    for (uint32_t page = 0; page < filled; ++page) {
        top->fill = 1; top->page = page;
        for (settle(); !top->ready; settle()) tick();
        tick();
        top->fill = 0;
        uint32_t n = 0;
        for (settle(); n < WORDS; settle()) {
            if (top->i_take) top->i = word_of(page, n++);
            tick();
        }
    }
    for (uint32_t pause; (pause = read()) != ~0u && !top->fault;) {
        const uint32_t first = read(), pages = read(), count = read();
        std::vector<uint32_t> steps(3 * count);
        for (uint32_t& word : steps) word = read();
        while (pause--) { settle(); tick(); }
        top->start = 1; top->first = first; top->pages = pages; top->brings = steps[0];
        for (settle(); !top->idle; settle()) tick();
        results.push_back(cycle);
        tick();
        top->start = 0;
        uint32_t wrong = 0, used = 0;  // words that have been released
        for (uint32_t step = 0, brought = 0; step < count; ++step) {
            for (settle(); !top->there; settle()) {
                if (cycle - results.back() > 1000000) { puts("hang"); return 1; }
                tick();
            }
            results.push_back(cycle);
            brought += steps[3 * step];
            for (uint32_t left = steps[3 * step + 1]; left; --left) {
                // All that is not released must be in the ring, from the step's first to its last cycle.
                if (left == 1 || left == steps[3 * step + 1])
                    for (uint32_t word = used; word < brought; ++word)
                        for (uint32_t n = 0; n < RATIO; ++n) {
                            const uint32_t at = word * RATIO + n;
                            wrong += ring[at % (RING * RATIO)] != word_of(first + at / WORDS, at % WORDS);
                        }
                if (left == 1) {
                    top->following = 1;
                    top->releases = steps[3 * step + 2];
                    top->brings = step + 1 < count ? steps[3 * step + 3] : 0;
                    used += steps[3 * step + 2];
                }
                settle(); tick();
                top->following = 0;
            }
        }
        results.push_back(cycle - 1);
        results.push_back(wrong);
        top->stop = 1;
        settle(); tick();
        top->stop = 0;
    }
    results.push_back(top->fault);
    fwrite(results.data(), sizeof(uint32_t), results.size(), stdout);
    return 0;
}

// Operations on a memory chip behind its controller, as fast as may be. sim/external/pages.py starts it:
// simulator CAPTURE TRACE, operations on standard input, what became of each on standard output.
//
// An operation is three words of 32 bits: what to do (0 reads a page, 1 writes it, 2 restarts), the page,
// and cycles of a pause ahead. Its result is two: the cycle in which it was taken, and of its first word.
// At the end come two more: the fault of the chip's model and the number of wrong words.
// TRACE is a file for all commands, four words each: cycle, command, bank, address.

#include "Vtop.h"
#include "verilated.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

// What the n-th word of a page is: `tag` is of the operation that writes it.
static uint32_t word_of(uint32_t tag, uint32_t n) {
    uint32_t x = tag * 0x9E3779B9u + n * 0x85EBCA6Bu;
    x ^= x >> 15; x *= 0xC2B2AE35u; x ^= x >> 13;
    return x & MASK;
}

int main(int, char** argv) {
    const auto context = std::make_unique<VerilatedContext>();
    const auto top = std::make_unique<Vtop>(context.get());
    top->capture = atoi(argv[1]);
    FILE* const trace = argv[2][0] ? fopen(argv[2], "wb") : nullptr;

    std::vector<uint32_t> results;
    std::unordered_map<uint32_t, uint32_t> tags;         // of pages, by the operation that wrote them
    struct Read { size_t place; uint32_t tag; };
    std::deque<Read> reads;                              // whose words come
    uint32_t cycle = 0, taken_words = 0, come = 0, wrong = 0, writing = 0;
    size_t writing_place = 0;

    const auto tick = [&] {
        top->clk = 0; top->eval();
        if (top->i_take) {
            if (taken_words == 0) results[writing_place] = cycle;
            top->i = word_of(writing, taken_words);
            taken_words = (taken_words + 1) % WORDS;
            top->eval();
        } else top->i = word_of(cycle, 0);
        if (top->o_valid) {
            if (reads.empty()) ++wrong;
            else {
                if (come == 0) results[reads.front().place] = cycle;
                wrong += top->o != word_of(reads.front().tag, come);
                come = (come + 1) % WORDS;
                if (come == 0) reads.pop_front();
            }
        }
        if (trace && top->command != 7) {
            const uint32_t record[4] = {cycle, top->command, top->ba, top->a};
            fwrite(record, sizeof record, 1, trace);
        }
        const bool taken = top->valid && top->ready, restarted = top->restart && top->idle;
        top->clk = 1; top->eval();
        ++cycle;
        return taken || restarted;
    };

    uint32_t operation[3];
    for (uint32_t tag = 1; fread(operation, sizeof operation, 1, stdin) == 1 && !top->fault; ++tag) {
        for (uint32_t wait = operation[2]; wait && !top->fault; --wait) tick();
        top->valid = operation[0] < 2;
        top->write = operation[0] == 1;
        top->restart = operation[0] == 2;
        top->page = operation[1];
        for (uint32_t waited = 0; !tick() && waited < LONGEST; ++waited) {}
        top->valid = top->restart = 0;
        results.push_back(cycle - 1);
        results.push_back(0);
        if (operation[0] == 0) reads.push_back({results.size() - 1, tags[operation[1]]});
        if (operation[0] == 1) {
            tags[operation[1]] = writing = tag;
            writing_place = results.size() - 1;
        }
    }
    for (uint32_t wait = 0; wait < LONGEST && !top->fault; ++wait) tick();
    results.push_back(top->fault);
    results.push_back(wrong + reads.size());
    fwrite(results.data(), sizeof(uint32_t), results.size(), stdout);
    if (trace) fclose(trace);
    return 0;
}

// A simulated board: bytes from standard input go into the design, and what comes out of it goes to
// standard output. hwgen/runtime/simulation.py is at the other end.
//
// A request is a Request and the bytes to send. The clock runs until all bytes sent so far are in
// the design and as many came out of it as are wanted, or until no byte moved for so many cycles;
// when EXACTLY is asked for, it runs for that many cycles. Then an Answer and what came out are
// written. Between requests the clock stands still: what a design does depends on the requests and
// on nothing else, and no request runs for ever.
//
// Of a design with two clocks the host's is the one that is counted; the other one is faster.
//
// A request to RECORD says how many cycles from now on the waveform shall have.
//
// What comes before this text may be EXTENDED by requests of its own, and by what is done after
// each edge: hwgen/runtime/faults/faults.cpp.

#include "Vtop.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

#include <unistd.h>

#include <cstdint>
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

static const uint32_t EXACTLY = UINT32_MAX, RECORD = UINT32_MAX - 2;

// Set the clock, or the host's; run the other one to its next edges: 17 for 5 of the host's.
template <class Top>
auto clock_edge(Top& top, int level, int) -> decltype(void(top.host_clk)) {
    static int phase = 0;
    for (phase += 17; phase >= 5; phase -= 5) {
        top.clk = !top.clk;
        top.eval();
    }
    top.host_clk = level;
}

template <class Top>
void clock_edge(Top& top, int level, long) { top.clk = level; }

template <class Top>
auto reset(Top& top, int level, int) -> decltype(void(top.host_rst)) {
    top.rst = top.host_rst = level;
}

template <class Top>
void reset(Top& top, int level, long) { top.rst = level; }

#ifndef EXTENDED
inline void after_edge(Vtop&) {}
template <class Answering>
bool command(Vtop&, const Request&, const std::vector<uint8_t>&, const Answering&) { return false; }
#endif

int main(int argc, char** argv) {
    // What the design itself prints must not come between the answers.
    FILE* const answers = fdopen(dup(STDOUT_FILENO), "wb");
    if (!answers || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return 1;

    const auto get = [](void* data, size_t size) { return fread(data, 1, size, stdin) == size; };
    const auto put = [&](const void* data, size_t size) {
        if (fwrite(data, 1, size, answers) != size) exit(1);  // there is nobody any more
    };

    size_t sent = 0;
    std::vector<uint8_t> queue, received;
    const auto answer = [&](uint64_t cycles, const void* data, size_t size) {
        const Answer head{cycles, uint32_t(size), uint32_t(queue.size() - sent)};
        put(&head, sizeof head);
        put(data, size);
        if (fflush(answers)) exit(1);
    };

    const auto context = std::make_unique<VerilatedContext>();
#if VM_TRACE
    context->traceEverOn(true);
#endif
    const auto top = std::make_unique<Vtop>(context.get());
#if VM_TRACE
    VerilatedVcdC waves;
    top->trace(&waves, 99);
    uint64_t recorded = argc > 2 ? strtoull(argv[2], nullptr, 10) : UINT64_MAX;
    if (argc > 1) waves.open(argv[1]);
#else
    (void)argc;
    (void)argv;
#endif

    // Verilator writes the second of two underscores so.
    auto& rx_payload = top->rx___05Fpayload;
    auto& rx_valid = top->rx___05Fvalid;
    auto& rx_ready = top->rx___05Fready;
    auto& tx_payload = top->tx___05Fpayload;
    auto& tx_valid = top->tx___05Fvalid;
    auto& tx_ready = top->tx___05Fready;

    const auto step = [&](int clock) {
        clock_edge(*top, clock, 0);
        top->eval();
        if (clock) after_edge(*top);
#if VM_TRACE
        if (waves.isOpen() && recorded) {
            waves.dump(context->time());
            recorded -= clock;
        }
#endif
        context->timeInc(5);
    };

    rx_valid = 0;
    rx_payload = 0;
    tx_ready = 0;
    for (int cycle = 0; cycle < 4; ++cycle) {
        reset(*top, cycle < 2, 0);
        step(0);
        step(1);
    }
    tx_ready = 1;

    Request request;
    while (get(&request, sizeof request)) {
        std::vector<uint8_t> data(request.send);
        if (!get(data.data(), data.size())) break;
        if (command(*top, request, data, answer)) continue;
#if VM_TRACE
        if (request.want == RECORD) {
            recorded = request.cycles;
            answer(0, nullptr, 0);
            continue;
        }
#endif
        queue.erase(queue.begin(), queue.begin() + sent);
        queue.insert(queue.end(), data.begin(), data.end());
        sent = 0;
        received.clear();
        const bool exactly = request.want == EXACTLY;
        uint64_t cycle = 0, moved = 0;
        while (cycle - moved < request.cycles
               && (exactly || sent < queue.size() || received.size() < request.want)) {
            const bool offer = sent < queue.size();
            rx_valid = offer;
            if (offer) rx_payload = queue[sent];
            step(0);
            // Read before the edge, as the design sees it.
            const bool in = offer && rx_ready, out = tx_valid;
            if (out) received.push_back(tx_payload);
            step(1);
            ++cycle;
            sent += in;
            if ((in || out) && !exactly) moved = cycle;
        }
        answer(cycle, received.data(), received.size());
#if VM_TRACE
        waves.flush();
#endif
    }
    top->final();
#if VM_TRACE
    waves.close();
#endif
    return 0;
}

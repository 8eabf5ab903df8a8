// What a simulated board of a fault campaign can do besides (hwgen/runtime/faults/simulator.py): it comes
// before hwgen/runtime/simulation.cpp, whose requests with COMMAND bytes wanted are for it.

#include "Vtop.h"
#include "Vtop___024root.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#define EXTENDED
#pragma GCC diagnostic ignored "-Winvalid-offsetof"

// Combinational logic follows registers only when it is evaluated. Verilator does so for all of it
// once, before the first edge, by this function; so do we when something was changed from outside.
void Vtop___024root___eval_settle(Vtop___024root*);

namespace faults {

const uint32_t COMMAND = UINT32_MAX - 1;
enum : uint64_t { PLACES, MARK, CHANGED, TRY, END };

struct Place {
    uint32_t offset, row, width, depth;  // offset and bytes of a row; width 0: it is not there
};

using Root = Vtop___024root;
#define ABSENT {0, 0, 0, 0}
#define REGISTER(member, width) {uint32_t(offsetof(Root, member)), 0, width, 0}
#define MEMORY(member, width)                                              \
    {uint32_t(offsetof(Root, member)), uint32_t(sizeof(std::declval<Root&>().member[0])), width, \
     uint32_t(sizeof(Root::member) / sizeof(std::declval<Root&>().member[0]))}
const Place places[] = {
#include "table.inc"
};
const size_t count = sizeof places / sizeof *places;

struct Flip {
    uint32_t place, row, bit, delay;  // cycles from now
};

Flip flip{UINT32_MAX, 0, 0, 0};
std::vector<uint8_t> marked;

inline uint8_t* bytes_of(Root* root) { return reinterpret_cast<uint8_t*>(root); }

inline void flip_now(Root* root) {
    const Place& place = places[flip.place];
    uint8_t& byte = bytes_of(root)[place.offset + flip.row * place.row + flip.bit / 8];
    const uint8_t flipped = byte ^= 1 << flip.bit % 8;
    Vtop___024root___eval_settle(root);
    if (byte != flipped) {
        fprintf(stderr, "place %u is no state: it follows from others\n", flip.place);
        exit(1);
    }
    flip.place = UINT32_MAX;
}

// Of memories: which bits are not as they were when they were marked.
inline std::vector<uint32_t> changes(Root* root) {
    std::vector<uint32_t> found;
    const uint8_t* now = bytes_of(root);
    for (uint32_t index = 0; index < count; ++index) {
        const Place& place = places[index];
        const size_t size = size_t(place.row) * place.depth;
        if (!size || !memcmp(now + place.offset, &marked[place.offset], size)) continue;
        for (size_t byte = 0; byte < size; ++byte) {
            const uint8_t differs = now[place.offset + byte] ^ marked[place.offset + byte];
            for (uint32_t bit = 0; bit < 8; ++bit)
                if (differs >> bit & 1)
                    found.insert(found.end(), {index, uint32_t(byte / place.row),
                                               uint32_t(byte % place.row * 8 + bit)});
        }
    }
    return found;
}

}  // namespace faults

inline void after_edge(Vtop& top) {
    if (faults::flip.place < faults::count && !faults::flip.delay--) faults::flip_now(top.rootp);
}

// Do what a request asks for, if it is one of ours, and answer.
template <class Request, class Answering>
bool command(Vtop& top, const Request& request, const std::vector<uint8_t>& data,
             const Answering& answer) {
    using namespace faults;
    if (request.want != COMMAND) return false;
    if (request.cycles == PLACES) {
        answer(0, places, sizeof places);
    } else if (request.cycles == MARK) {
        marked.assign(bytes_of(top.rootp), bytes_of(top.rootp) + sizeof(Root));
        answer(0, nullptr, 0);
    } else if (request.cycles == CHANGED) {
        const auto found = changes(top.rootp);
        answer(0, found.data(), found.size() * sizeof found[0]);
    } else if (request.cycles == TRY) {
        // The child answers, and serves what follows; the parent waits, and answers its end.
        const pid_t child = fork();
        if (child < 0) exit(1);
        int status = 0;
        if (child == 0) memcpy(&flip, data.data(), sizeof flip);
        else waitpid(child, &status, 0);
        answer(0, &status, sizeof status);
    } else {
        _exit(0);
    }
    return true;
}

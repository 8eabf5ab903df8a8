// A serial line between a host and a simulated design: ten bits a byte, and noise on it.
//
// The programs that use it (sim/boards/pins.cpp and wire.cpp) are put together by sim/boards/serial_line.py.

#include <cstdint>
#include <deque>

struct Noise {  // how many of a million
    uint32_t flips;    // bits, whatever they are: a start bit, a data bit, a stop bit
    uint32_t lost;     // bytes, in either direction,
    uint32_t doubled;  // come twice,
    uint32_t delayed;  // or come late, and with them all behind
    uint64_t seed;
};

class SerialLine {
public:
    SerialLine(int divisor, const Noise& noise)
        : divisor(divisor), noise(noise), state(0x9e3779b97f4a7c15ull + noise.seed) {}

    std::deque<uint8_t> to_design;  // what the host has sent
    std::deque<uint8_t> to_host;    // what has come for it

    // Whether nothing of the host is still on its way.
    bool sent() const { return to_design.empty() && !bits_left && !wait; }

    // Return the level of the wire to the design, in one cycle of its clock.
    bool drive() {
        moved = false;
        if (wait) {
            --wait;
        } else if (bits_left) {
            level = flipped(sending & 1);
            sending >>= 1;
            --bits_left;
            wait = divisor - 1;
        } else {
            level = true;
            if (!to_design.empty()) begin();
        }
        return level;
    }

    // Take the level of the wire from the design, in the same cycle.
    void sample(bool tx) {
        if (late && !--late) deliver();
        if (bits_come < 0) {
            if (!tx) {
                bits_come = taken = 0;
                until_middle = divisor / 2;
            }
        } else if (until_middle) {
            --until_middle;
        } else {
            taken |= uint32_t(flipped(tx)) << bits_come++;
            until_middle = divisor - 1;
            const bool false_start = bits_come == 1 && taken & 1;
            if (bits_come == 10 || false_start) {
                if (!false_start && taken >> 9) come(taken >> 1);
                bits_come = -1;
            }
        }
    }

    bool moved = false;  // whether a byte began its way to the design, or came, in the last cycle

private:
    const int divisor;
    const Noise noise;
    uint64_t state;
    uint32_t sending = 0, taken = 0;
    int bits_left = 0, wait = 0;          // of the byte to the design
    int bits_come = -1, until_middle = 0;  // of the byte from the design; -1: none
    bool level = true, again = false;
    int late = 0;                         // cycles until what is held back comes
    std::deque<uint8_t> held;

    static const int LONGEST_DELAY = 3000;  // cycles

    uint32_t draw() {  // xorshift64*
        state ^= state >> 12; state ^= state << 25; state ^= state >> 27;
        return (state * 2685821657736338717ull) >> 32;
    }

    bool happens(uint32_t of_a_million) { return of_a_million && draw() % 1000000 < of_a_million; }

    bool flipped(bool bit) { return bit ^ happens(noise.flips); }

    void begin() {
        const uint8_t byte = to_design.front();
        const bool first = !again;  // a byte has its accident once
        if (first && happens(noise.delayed)) {
            wait = draw() % LONGEST_DELAY;
            again = true;
            return;
        }
        again = first && happens(noise.doubled);
        if (!again) to_design.pop_front();
        moved = true;
        if (first && !again && happens(noise.lost)) return;
        sending = byte << 1 | 1 << 9;
        bits_left = 10;
    }

    void come(uint8_t byte) {
        if (happens(noise.lost)) return;
        if (!late && happens(noise.delayed)) late = 1 + draw() % LONGEST_DELAY;
        for (int copies = 1 + happens(noise.doubled); copies--;) held.push_back(byte);
        if (!late) deliver();
    }

    void deliver() {
        to_host.insert(to_host.end(), held.begin(), held.end());
        held.clear();
        moved = true;
    }
};

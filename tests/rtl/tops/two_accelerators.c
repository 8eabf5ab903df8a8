/* A program with the drivers of two accelerators: runs an input on each of them, in turn, and
 * writes the outputs to a file. Its standard input and output are the bus (sim/boards/wishbone.cpp).
 */
#include <stdio.h>
#include <stdlib.h>

#include "first.h"
#include "second.h"

#include "ONE.h"
#include "TWO.h"

#include "ONE_registers.h"
#include "TWO_registers.h"

enum { READ, WRITE, WAIT, LARGEST = 1 << 12 };

static uint32_t ask(void *context, uint32_t kind, uint32_t address, uint32_t value) {
    const uint32_t command[] = {kind, *(const uint32_t *)context + address, value};
    uint32_t answer[2];
    if (fwrite(command, sizeof command, 1, stdout) != 1 || fflush(stdout)
        || fread(answer, sizeof answer, 1, stdin) != 1 || answer[0]) {
        fprintf(stderr, "the bus failed at 0x%x\n", (unsigned)command[1]);
        exit(2);
    }
    return answer[1];
}

static uint32_t read32(void *context, uint32_t address) { return ask(context, READ, address, 0); }

static void write32(void *context, uint32_t address, uint32_t value) {
    ask(context, WRITE, address, value);
}

static void wait_for_interrupt(void *context) { ask(context, WAIT, 0, 1000000); }

static void check(hwgen_result result, hwgen_result expected, int where) {
    if (result == expected) return;
    fprintf(stderr, "%d: %d\n", where, (int)result);
    exit(1);
}

static size_t size_of(const hwgen_tensor *tensor) {
    return (size_t)tensor->height * tensor->width * tensor->channels;
}

int main(void) {
    static int8_t numbers[2][LARGEST], results[2][LARGEST];
    static uint32_t windows[2] = {0, 1 << 20};
    const hwgen_device one = {read32, write32, wait_for_interrupt, &windows[0]};
    const hwgen_device two = {read32, write32, wait_for_interrupt, &windows[1]};
    const int8_t *inputs[2] = {numbers[0], numbers[1]};
    int8_t *outputs[2] = {results[0], results[1]};
    FILE *from = fopen("inputs", "rb"), *to = fopen("outputs", "wb");
    if (!from || !to || fread(numbers[0], size_of(first.inputs), 1, from) != 1
        || fread(numbers[1], size_of(second.inputs), 1, from) != 1)
        return 3;
    check(ONE_open(&one), HWGEN_OK, 1);
    check(TWO_open(&two), HWGEN_OK, 2);
    check(ONE_open(&two), HWGEN_OTHER_DESIGN, 3);
    check(TWO_load(&two, &first), HWGEN_OTHER_PROGRAM, 4);
    check(ONE_load(&one, &first), HWGEN_OK, 5);
    check(TWO_load(&two, &second), HWGEN_OK, 6);
    check(ONE_infer(&one, &first, &inputs[0], &outputs[0], 100), HWGEN_OK, 7);
    ONE_acknowledge(&one);
    check(TWO_infer(&two, &second, &inputs[1], &outputs[1], 100), HWGEN_OK, 8);
    TWO_acknowledge(&two);
    if (read32(&windows[0], ONE_FINGERPRINT) != ONE_FINGERPRINT_VALUE) return 4;
    if (read32(&windows[1], TWO_FINGERPRINT) != TWO_FINGERPRINT_VALUE) return 4;
    fwrite(results[0], size_of(first.outputs), 1, to);
    fwrite(results[1], size_of(second.outputs), 1, to);
    return fclose(to) ? 3 : 0;
}

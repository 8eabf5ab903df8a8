/* A program that uses the driver: runs each input of a file, and writes the outputs to another.
 *
 *     driver INPUTS OUTPUTS COUNTERS
 *
 * Its standard input and output are the bus (sim/boards/wishbone.cpp). NETWORK is the name of the program
 * in network.h. For each input it writes the outputs, and as words the cycles of the run, and the
 * sum of as many of the steps' COUNTERS. With RESET_EVERY the state is reset before every so many.
 */
#include <stdio.h>
#include <stdlib.h>

#include "hwgen.h"
#include "network.h"

enum { READ, WRITE, WAIT };

static uint32_t ask(uint32_t kind, uint32_t address, uint32_t value) {
    const uint32_t command[] = {kind, address, value};
    uint32_t answer[2];
    if (fwrite(command, sizeof command, 1, stdout) != 1 || fflush(stdout)
        || fread(answer, sizeof answer, 1, stdin) != 1 || answer[0]) {
        fprintf(stderr, "the bus failed at 0x%x\n", (unsigned)address);
        exit(2);
    }
    return answer[1];
}

static uint32_t read32(void *context, uint32_t address) {
    (void)context;
    return ask(READ, address, 0);
}

static void write32(void *context, uint32_t address, uint32_t value) {
    (void)context;
    ask(WRITE, address, value);
}

static void wait_for_interrupt(void *context) {
    ++*(unsigned *)context;
    ask(WAIT, 0, 10000000);
}

static size_t size_of(const hwgen_tensor *tensor) {
    return (size_t)tensor->height * tensor->width * tensor->channels;
}

static void check(hwgen_result result, const char *what) {
    if (result == HWGEN_OK) return;
    fprintf(stderr, "%s: %d\n", what, (int)result);
    exit(1);
}

int main(int argc, char **argv) {
    static int8_t numbers[16][1 << 16];
    unsigned waits = 0;
#ifdef RESET_EVERY
    unsigned frames = RESET_EVERY - 1; /* the first of them begins where the program was loaded */
#endif
    const hwgen_device device = {read32, write32, wait_for_interrupt, &waits};
    const hwgen_program *program = &NETWORK;
    const int8_t *inputs[8];
    int8_t *outputs[8];
    if (argc != 4) return 3;
    FILE *from = fopen(argv[1], "rb"), *to = fopen(argv[2], "wb");
    const uint32_t counted = (uint32_t)atoi(argv[3]);
    if (!from || !to) return 3;

    check(hwgen_open(&device), "open");
    check(hwgen_load(&device, program), "load");
    for (;;) {
        for (uint32_t i = 0; i < program->input_count; ++i) {
            inputs[i] = numbers[i];
            if (fread(numbers[i], size_of(&program->inputs[i]), 1, from) != 1) goto done;
        }
        for (uint32_t i = 0; i < program->output_count; ++i) outputs[i] = numbers[8 + i];
#ifdef RESET_EVERY
        if (frames++ % RESET_EVERY == 0) check(hwgen_reset(&device, program), "reset");
#endif
        waits = 0;
        check(hwgen_infer(&device, program, inputs, outputs, 100), "infer");
        if (waits != 1 || !(hwgen_status(&device) & 2)) return 4;  /* one wait, for the interrupt */
        hwgen_acknowledge(&device);
        if (hwgen_status(&device) & 2) return 4;
        for (uint32_t i = 0; i < program->output_count; ++i)
            fwrite(outputs[i], size_of(&program->outputs[i]), 1, to);
        uint32_t facts[2] = {hwgen_cycles(&device), 0}, counter;
        for (uint32_t step = 0; step < counted; ++step) {
            hwgen_counters(&device, step, 1, &counter);
            facts[1] += counter;
        }
        fwrite(facts, sizeof facts, 1, to);
    }
done:
    if (hwgen_start(&device, program->steps - 1, 1, 1) != HWGEN_OK
        || hwgen_start(&device, 0, 1, 1) != HWGEN_BUSY
        || hwgen_wait(&device, 100) != HWGEN_STOPPED)
        return 5;
    return fclose(to) ? 3 : 0;
}

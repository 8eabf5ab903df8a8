/* The driver of an accelerator of hwgen, in C99: no libraries, no memory of its own.
 *
 * It reaches the accelerator by two functions of yours, which read and write a word of its window.
 * registers.md says what is there; docs/integration.md has an example. All functions return
 * HWGEN_OK or another hwgen_result, unless they say otherwise.
 */
#ifndef HWGEN_H
#define HWGEN_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    HWGEN_OK = 0,
    HWGEN_NO_ACCELERATOR, /* what answers is no accelerator of hwgen */
    HWGEN_OTHER_DESIGN,   /* it is one, but of another Design than hwgen_registers.h */
    HWGEN_OTHER_PROGRAM,  /* the program is for another Design */
    HWGEN_BUSY,           /* steps run */
    HWGEN_STOPPED,        /* a step failed: hwgen_status tells why, and which */
    HWGEN_TIMEOUT         /* steps run still */
} hwgen_result;

typedef struct {
    /* Reads and writes the word at `address`, a multiple of 4 from the start of the window on. */
    uint32_t (*read32)(void *context, uint32_t address);
    void (*write32)(void *context, uint32_t address, uint32_t value);
    /* Called between two looks at whether the accelerator is done: may wait for the interrupt, or
     * be 0. */
    void (*pause)(void *context);
    void *context;
} hwgen_device;

/* Bytes of the memory of activations. */
typedef struct {
    uint32_t address, size;
    const uint8_t *bytes;
} hwgen_bytes;

/* Compressed weights of a sparse engine: words from `address` of their space on. */
typedef struct {
    uint32_t address, count;
    const uint32_t *words;
} hwgen_words;

/* An input or an output, as height x width x channels numbers, channels next to one another. In
 * memory are `stored` channels of each place, those that `places` names (0: all of them); the
 * others are constant, or nobody needs them. A number q stands for (q - zero_point) * scale. */
typedef struct {
    const char *name;
    uint32_t address, height, width, channels, stored, pitch, row;
    const uint16_t *places;
    const int8_t *constants; /* a value for each channel; 0: all are stored */
    int32_t zero_point;
    float scale;
} hwgen_tensor;

/* What `hwgen compile MODEL -o NAME.h` writes. */
typedef struct {
    const char *name;
    uint32_t fingerprint; /* of the Design that it is for */
    uint32_t steps;
    uint32_t cycles;      /* of an inference: exactly so many; with a sparse engine, of an input in
                           * which no number is the zero point, and fewer of others */
    uint32_t watchdog;    /* more than any of the steps takes */
    uint32_t image_words;
    const uint32_t *image;
    uint32_t constant_count, input_count, output_count;
    const hwgen_bytes *constants;
    const hwgen_tensor *inputs, *outputs;
    uint32_t sparse_count;
    const hwgen_words *sparse;
} hwgen_program;

/* Make sure that the accelerator of hwgen_registers.h is there. */
hwgen_result hwgen_open(const hwgen_device *device);

/* Write a program into its memories, where it stays. */
hwgen_result hwgen_load(const hwgen_device *device, const hwgen_program *program);

/* Run one inference with the program that is loaded: inputs[i] and outputs[i] are the numbers of
 * program->inputs[i] and program->outputs[i]. Gives up after `polls` looks; 0: never. */
hwgen_result hwgen_infer(const hwgen_device *device, const hwgen_program *program,
                         const int8_t *const *inputs, int8_t *const *outputs, uint32_t polls);

/* The parts of an inference, for who wants to do something else meanwhile. */
void hwgen_write_input(const hwgen_device *device, const hwgen_tensor *tensor,
                       const int8_t *values);
hwgen_result hwgen_start(const hwgen_device *device, uint32_t first, uint32_t count,
                         uint32_t watchdog);
hwgen_result hwgen_wait(const hwgen_device *device, uint32_t polls);
void hwgen_read_output(const hwgen_device *device, const hwgen_tensor *tensor, int8_t *values);

/* Take the interrupt back. */
void hwgen_acknowledge(const hwgen_device *device);

/* Return the register STATUS, and the cycles of the last run. */
uint32_t hwgen_status(const hwgen_device *device);
uint32_t hwgen_cycles(const hwgen_device *device);

/* Read the cycles that each of `count` steps took when it ran last. */
void hwgen_counters(const hwgen_device *device, uint32_t first, uint32_t count, uint32_t *cycles);

#ifdef __cplusplus
}
#endif
#endif

/* What drivers and Programs of hwgen share: the same file, whatever the accelerator. */
#ifndef HWGEN_TYPES_H
#define HWGEN_TYPES_H

#include <stdint.h>

typedef enum {
    HWGEN_OK = 0,
    HWGEN_NO_ACCELERATOR, /* what answers is no accelerator of hwgen */
    HWGEN_OTHER_DESIGN,   /* it is one, but of another Design than the driver is for */
    HWGEN_OTHER_PROGRAM,  /* the program is for another Design */
    HWGEN_BUSY,           /* steps run */
    HWGEN_STOPPED,        /* a step failed: the register STATUS tells why, and which */
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

/* Compressed weights of a sparse engine: words from `address` of their space on. */
typedef struct {
    uint32_t address, count;
    const uint32_t *words;
} hwgen_words;

/* Which rows of an input are stored together. In memory are `height` rows; row y of them has at
 * each x the channels of rows first + y * stride + i * step of the input, for each i below `rows`,
 * next to one another. Rows that the input does not have are all zero_point. */
typedef struct {
    uint32_t height, rows;
    int32_t first, stride, step;
} hwgen_stack;

/* An input or an output, as height x width x channels numbers, channels next to one another. In
 * memory are `stored` channels of each place, those that `places` names (0: all of them); the
 * others are constant, or nobody needs them. A number q stands for (q - zero_point) * scale. Of an
 * input rows may be stored together, as its `stack` says (0: each row by itself). */
typedef struct {
    const char *name;
    uint32_t address, height, width, channels, stored, pitch, row;
    const uint16_t *places;
    const int8_t *constants; /* a value for each channel; 0: all are stored */
    int32_t zero_point;
    float scale;
    const hwgen_stack *stack;
} hwgen_tensor;

/* A tensor that stays in memory between inferences, and its numbers before the first. */
typedef struct {
    hwgen_tensor tensor;
    const int8_t *initial;
} hwgen_state;

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
    uint32_t input_count, output_count;
    const hwgen_tensor *inputs, *outputs;
    uint32_t sparse_count;
    const hwgen_words *sparse;
    uint32_t state_count;
    const hwgen_state *states;
} hwgen_program;

#endif

/* The driver of an accelerator of hwgen, in C99: no libraries, no memory of its own.
 *
 * It reaches the accelerator by two functions of yours, which read and write a word of its window.
 * registers.md says what is there; docs/integration.md has an example. All functions return
 * HWGEN_OK or another hwgen_result, unless they say otherwise.
 */
#ifndef HWGEN_H
#define HWGEN_H

#include "hwgen_types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Make sure that the accelerator of hwgen_registers.h is there. */
hwgen_result hwgen_open(const hwgen_device *device);

/* Write a program into its memories, where it stays, and the initial state, if it has any. */
hwgen_result hwgen_load(const hwgen_device *device, const hwgen_program *program);

/* Write the initial state again: before another sequence, and after an inference that failed. */
hwgen_result hwgen_reset(const hwgen_device *device, const hwgen_program *program);

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

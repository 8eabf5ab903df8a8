#include "hwgen.h"

#include "hwgen_registers.h"

static uint32_t get(const hwgen_device *device, uint32_t address) {
    return device->read32(device->context, address);
}

static void put(const hwgen_device *device, uint32_t address, uint32_t value) {
    device->write32(device->context, address, value);
}

/* Bytes go a word at a time: those of the word at `address` that `mask` says are known. */
typedef struct {
    const hwgen_device *device;
    uint32_t address, word, mask;
} cursor;

static cursor begin(const hwgen_device *device) {
    const cursor at = {device, 0, 0, 0};
    return at;
}

static void flush(cursor *at) {
    if (at->mask == 0) return;
    if (at->mask != UINT32_MAX) at->word |= get(at->device, at->address) & ~at->mask;
    put(at->device, at->address, at->word);
    at->word = at->mask = 0;
}

static void put_byte(cursor *at, uint32_t address, uint8_t byte) {
    const uint32_t shift = 8 * (address & 3);
    if (at->address != (address & ~UINT32_C(3))) {
        flush(at);
        at->address = address & ~UINT32_C(3);
    }
    at->word |= (uint32_t)byte << shift;
    at->mask |= UINT32_C(0xff) << shift;
}

static uint8_t get_byte(cursor *at, uint32_t address) {
    if (at->mask == 0 || at->address != (address & ~UINT32_C(3))) {
        at->address = address & ~UINT32_C(3);
        at->word = get(at->device, at->address);
        at->mask = UINT32_MAX;
    }
    return (uint8_t)(at->word >> 8 * (address & 3));
}

static uint32_t place_of(const hwgen_tensor *tensor, uint32_t y, uint32_t x) {
    return HWGEN_ACTIVATIONS + tensor->address + y * tensor->row + x * tensor->pitch;
}

static uint32_t channel(const hwgen_tensor *tensor, uint32_t stored) {
    return tensor->places ? tensor->places[stored] : stored;
}

static int busy(const hwgen_device *device) {
    return (hwgen_status(device) & HWGEN_STATUS_BUSY_MASK) != 0;
}

hwgen_result hwgen_open(const hwgen_device *device) {
    if (get(device, HWGEN_IDENTITY) != HWGEN_IDENTITY_VALUE) return HWGEN_NO_ACCELERATOR;
    if (get(device, HWGEN_FINGERPRINT) != HWGEN_FINGERPRINT_VALUE) return HWGEN_OTHER_DESIGN;
    return HWGEN_OK;
}

hwgen_result hwgen_load(const hwgen_device *device, const hwgen_program *program) {
    if (program->fingerprint != HWGEN_FINGERPRINT_VALUE) return HWGEN_OTHER_PROGRAM;
    if (busy(device)) return HWGEN_BUSY;
    for (uint32_t i = 0; i < program->image_words; ++i)
        put(device, HWGEN_PROGRAM + 4 * i, program->image[i]);
#ifdef HWGEN_SPARSE
    for (uint32_t i = 0; i < program->sparse_count; ++i) {
        const hwgen_words *part = &program->sparse[i];
        for (uint32_t j = 0; j < part->count; ++j)
            put(device, HWGEN_SPARSE + part->address + 4 * j, part->words[j]);
    }
#endif
    return hwgen_reset(device, program);
}

hwgen_result hwgen_reset(const hwgen_device *device, const hwgen_program *program) {
    if (busy(device)) return HWGEN_BUSY;
    for (uint32_t i = 0; i < program->state_count; ++i)
        hwgen_write_input(device, &program->states[i].tensor, program->states[i].initial);
    return HWGEN_OK;
}

hwgen_result hwgen_infer(const hwgen_device *device, const hwgen_program *program,
                         const int8_t *const *inputs, int8_t *const *outputs, uint32_t polls) {
    if (busy(device)) return HWGEN_BUSY;
    for (uint32_t i = 0; i < program->input_count; ++i)
        hwgen_write_input(device, &program->inputs[i], inputs[i]);
    hwgen_result result = hwgen_start(device, 0, program->steps, program->watchdog);
    if (result == HWGEN_OK) result = hwgen_wait(device, polls);
    if (result != HWGEN_OK) return result;
    for (uint32_t i = 0; i < program->output_count; ++i)
        hwgen_read_output(device, &program->outputs[i], outputs[i]);
#ifdef HWGEN_FLIPS /* what was read may have been damaged behind the run, which STATUS says then */
    if (hwgen_status(device) & HWGEN_STATUS_ERROR_MASK) return HWGEN_STOPPED;
#endif
    return HWGEN_OK;
}

void hwgen_write_input(const hwgen_device *device, const hwgen_tensor *tensor,
                       const int8_t *values) {
    const hwgen_stack each = {tensor->height, 1, 0, 1, 1};
    const hwgen_stack *stack = tensor->stack ? tensor->stack : &each;
    cursor at = begin(device);
    for (uint32_t y = 0; y < stack->height; ++y)
        for (uint32_t x = 0; x < tensor->width; ++x) {
            uint32_t to = place_of(tensor, y, x);
            for (uint32_t i = 0; i < stack->rows; ++i) {
                const int32_t row = stack->first + (int32_t)y * stack->stride
                                    + (int32_t)i * stack->step;
                const int8_t *from = 0;
                if (row >= 0 && row < (int32_t)tensor->height)
                    from = values + ((uint32_t)row * tensor->width + x) * tensor->channels;
                for (uint32_t c = 0; c < tensor->stored; ++c)
                    put_byte(&at, to++,
                             (uint8_t)(from ? from[channel(tensor, c)] : tensor->zero_point));
            }
        }
    flush(&at);
}

hwgen_result hwgen_start(const hwgen_device *device, uint32_t first, uint32_t count,
                         uint32_t watchdog) {
    if (busy(device)) return HWGEN_BUSY;
    put(device, HWGEN_FIRST, first);
    put(device, HWGEN_COUNT, count);
    put(device, HWGEN_WATCHDOG, watchdog);
    put(device, HWGEN_CONTROL, HWGEN_CONTROL_GO_MASK);
    return HWGEN_OK;
}

hwgen_result hwgen_wait(const hwgen_device *device, uint32_t polls) {
    for (uint32_t looks = 1;; ++looks) {
        const uint32_t status = hwgen_status(device);
        if (!(status & HWGEN_STATUS_BUSY_MASK))
            return status & HWGEN_STATUS_ERROR_MASK ? HWGEN_STOPPED : HWGEN_OK;
        if (looks == polls) return HWGEN_TIMEOUT;
        if (device->pause) device->pause(device->context);
    }
}

void hwgen_read_output(const hwgen_device *device, const hwgen_tensor *tensor, int8_t *values) {
    cursor at = begin(device);
    for (uint32_t y = 0; y < tensor->height; ++y)
        for (uint32_t x = 0; x < tensor->width; ++x, values += tensor->channels) {
            if (tensor->constants)
                for (uint32_t c = 0; c < tensor->channels; ++c) values[c] = tensor->constants[c];
            for (uint32_t c = 0; c < tensor->stored; ++c) {
                const uint8_t byte = get_byte(&at, place_of(tensor, y, x) + c);
                values[channel(tensor, c)] = (int8_t)(byte < 128 ? byte : byte - 256);
            }
        }
}

void hwgen_acknowledge(const hwgen_device *device) {
    put(device, HWGEN_CONTROL, HWGEN_CONTROL_ACKNOWLEDGE_MASK);
}

uint32_t hwgen_status(const hwgen_device *device) { return get(device, HWGEN_STATUS); }

uint32_t hwgen_cycles(const hwgen_device *device) { return get(device, HWGEN_CYCLES); }

void hwgen_counters(const hwgen_device *device, uint32_t first, uint32_t count, uint32_t *cycles) {
    for (uint32_t i = 0; i < count; ++i)
        cycles[i] = get(device, HWGEN_COUNTERS + 4 * (first + i));
}

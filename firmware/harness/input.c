/* The model's input: see input.h. */
#include "input.h"

#include <string.h>

#include "crc32.h"
#include "model.h"
#include "text.h"

typedef enum { NOTHING, RECEIVED, TENSOR } source_t;

static struct {
    source_t loading; /* the load that may append */
    source_t loaded;  /* the load that is complete */
    uint32_t size;    /* announced bytes */
    uint32_t count;   /* of these, received */
    uint32_t crc;     /* announced CRC, for a tensor */
} state;

/* Images arrive as the tensor plus 128 and are stored as the tensor. */
static uint8_t image_flip(void)
{
    return tc_model.input_format == TC_INPUT_UINT8 ? 0x80U : 0U;
}

static void begin(source_t source, uint32_t size)
{
    state.loading = source;
    state.loaded = NOTHING;
    state.size = size;
    state.count = 0;
}

bool tc_input_begin_received(uint32_t size)
{
    if (size > tc_model.received_size) {
        return false;
    }
    begin(RECEIVED, size);
    return true;
}

void tc_input_begin_tensor(uint32_t crc)
{
    begin(TENSOR, tc_model.input_size);
    state.crc = crc;
}

static tc_append_t append(source_t source, const char *hex, uint8_t *to, uint8_t flip)
{
    const size_t digits = strlen(hex);
    if (state.loading != source) {
        return TC_APPEND_IDLE;
    }
    if (digits % 2U != 0U) {
        return TC_APPEND_ODD;
    }
    for (size_t i = 0; i < digits; i++) {
        if (tc_hex_digit(hex[i]) < 0) {
            return TC_APPEND_NOT_HEX;
        }
    }
    if (digits / 2U > state.size - state.count) {
        return TC_APPEND_TOO_MUCH;
    }
    for (size_t i = 0; i < digits; i += 2U) {
        const int byte = tc_hex_digit(hex[i]) * 16 + tc_hex_digit(hex[i + 1U]);
        to[state.count++] = (uint8_t)((unsigned)byte ^ flip);
    }
    if (state.count < state.size) {
        return TC_APPEND_MORE;
    }
    state.loading = NOTHING;
    state.loaded = source;
    return TC_APPEND_DONE;
}

tc_append_t tc_input_append_received(const char *hex)
{
    return append(RECEIVED, hex, tc_model.received(), image_flip());
}

tc_append_t tc_input_append_tensor(const char *hex)
{
    return append(TENSOR, hex, (uint8_t *)tc_model.input(), 0U);
}

bool tc_input_check_tensor(uint32_t *crc)
{
    *crc = tc_crc32(0, (const uint8_t *)tc_model.input(), tc_model.input_size);
    if (*crc != state.crc) {
        state.loaded = NOTHING;
    }
    return state.loaded == TENSOR;
}

uint32_t tc_input_received_size(void)
{
    return state.loading == RECEIVED || state.loaded == RECEIVED ? state.size : 0U;
}

uint8_t tc_input_received(uint32_t at)
{
    return (uint8_t)(tc_model.received()[at] ^ image_flip());
}

/* Independent of the core's byte order and alignment. */
static float read_float(const uint8_t *bytes)
{
    const uint32_t bits = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                          (uint32_t)bytes[3] << 24;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

bool tc_input_prepare(void)
{
    if (state.loaded == NOTHING || (state.loaded == RECEIVED && state.size != tc_model.received_size)) {
        return false;
    }
    if (state.loaded == RECEIVED && tc_model.input_format == TC_INPUT_FLOAT32) {
        for (uint32_t i = 0; i < tc_model.input_count; i++) {
            tc_model.store_input(read_float(tc_model.received() + 4U * i), i);
        }
    }
    return true;
}

void tc_input_used(void)
{
    if (!tc_model.keeps_input) {
        state.loaded = NOTHING;
    }
}

float tc_input_real(uint32_t at)
{
    if (state.loaded == RECEIVED && tc_model.input_format == TC_INPUT_FLOAT32) {
        return read_float(tc_model.received() + 4U * at);
    }
    return tc_model.real_input(at);
}

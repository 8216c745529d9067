/* TANH of int16: 2 / (1 + e^-2x) - 1, as a fraction with 15 bits, interpolated in a table of the sigmoid. */
#ifndef TINYCOMP_TANH_INT16_H
#define TINYCOMP_TANH_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    size_t size;        /* values per row */
    int32_t multiplier; /* of the input: positions in the table */
    uint8_t shift;      /* to the right, after the multiplication */
    const uint16_t *table;
} tc_tanh_int16_t;

static inline int16_t tc_tanh_int16_value(const tc_tanh_int16_t *op, int32_t x)
{
    const uint32_t magnitude = (uint32_t)((x < 0) ? -x : x), place = magnitude >> 8;
    int32_t found = (int32_t)0xFFFF << 8;
    if (place < 255) {
        const uint32_t low = TC_READ_U16(&op->table[place]), high = TC_READ_U16(&op->table[place + 1]);
        found = (int32_t)((low << 8) + (magnitude & 0xFF) * (high - low));
    }
    found -= (int32_t)1 << 23;
    found = (x >= 0) ? found + 0x80 : 0x7F - found;
    return (int16_t)(found >> 8);
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_tanh_int16(const tc_tanh_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                          uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_tanh_int16_t, op, constants);
    const int32_t half = (int32_t)(((uint32_t)1 << op->shift) >> 1);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *x = tc_input_row_int16(in, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i++) {
            to[i] = tc_tanh_int16_value(op, (x[i] * op->multiplier + half) >> op->shift);
        }
    }
}

#endif

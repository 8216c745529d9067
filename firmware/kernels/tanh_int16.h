/* TANH of int16: 2 / (1 + e^-2x) - 1, as a fraction with 15 bits, interpolated in a table of the sigmoid. */
#ifndef TINYCOMP_TANH_INT16_H
#define TINYCOMP_TANH_INT16_H

#include "curves_int16.h"

typedef struct {
    size_t size;        /* values per row */
    int32_t multiplier; /* of the input: positions in the table */
    uint8_t shift;      /* to the right, after the multiplication */
    const uint16_t *table;
} tc_tanh_int16_t;

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
            to[i] = tc_tanh_int16_of(op->table, (x[i] * op->multiplier + half) >> op->shift);
        }
    }
}

#endif

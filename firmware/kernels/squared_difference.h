/* SQUARED_DIFFERENCE of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a
 * whole row. Both are rescaled to twice the larger scale with 7 extra bits, so that the square fits 32 bits. */
#ifndef TINYCOMP_SQUARED_DIFFERENCE_H
#define TINYCOMP_SQUARED_DIFFERENCE_H

#include "tinycomp.h"

typedef struct {
    uint16_t wide; /* which input has the output's shape, 0 or 1 */
    uint16_t rows; /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;   /* bytes of an output row */
    size_t period; /* bytes after which the other input repeats */
    int8_t wide_zero_point, repeated_zero_point, output_zero_point;
    int8_t wide_shift, repeated_shift, output_shift;
    int32_t wide_multiplier, repeated_multiplier, output_multiplier;
} tc_squared_difference_t;

static inline int8_t tc_squared_difference_value(const tc_squared_difference_t *op, int32_t a, int32_t b)
{
    const int32_t wide = tc_requantize(a * 128, op->wide_multiplier, op->wide_shift);
    const int32_t repeated = tc_requantize(b * 128, op->repeated_multiplier, op->repeated_shift);
    const int32_t difference = wide - repeated;
    const int32_t square = tc_requantize(difference * difference, op->output_multiplier, op->output_shift);
    return tc_clamp(square + op->output_zero_point, -128, 127);
}

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_squared_difference(const tc_squared_difference_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_squared_difference_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + op->wide, y);
        const int8_t *const repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *to = tc_output_row(out, y);
        for (size_t start = 0; start < op->size; start += op->period) {
            for (size_t i = 0; i < op->period; i++) {
                *to++ = tc_squared_difference_value(op, *wide++ - op->wide_zero_point,
                                                    repeated[i] - op->repeated_zero_point);
            }
        }
    }
}

#endif

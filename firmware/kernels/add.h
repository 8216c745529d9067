/* ADD of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a whole row. Both
 * are rescaled to twice the larger scale with 20 extra bits, added, and requantized to the output's scale. */
#ifndef TINYCOMP_ADD_H
#define TINYCOMP_ADD_H

#include "tinycomp.h"

typedef struct {
    uint16_t wide;   /* which input has the output's shape, 0 or 1 */
    uint16_t rows;   /* of the other input: as many as the output, or 1 (broadcast) */
    uint32_t size;   /* bytes of an output row */
    uint32_t period; /* bytes after which the other input repeats */
    int8_t wide_zero_point, repeated_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    int8_t wide_shift, repeated_shift, output_shift;
    int32_t wide_multiplier, repeated_multiplier, output_multiplier;
} tc_add_t;

/* An input value in the common scale. */
static inline int32_t tc_add_raise(int8_t value, int8_t zero_point, int32_t multiplier, int8_t shift)
{
    return tc_requantize((int32_t)(value - zero_point) * ((int32_t)1 << 20), multiplier, shift);
}

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_add(const tc_add_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_add_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + op->wide, y);
        const int8_t *const repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *to = tc_output_row(out, y);
        for (uint32_t start = 0; start < op->size; start += op->period) {
            for (uint32_t i = 0; i < op->period; i++) {
                const int32_t a = tc_add_raise(*wide++, op->wide_zero_point, op->wide_multiplier, op->wide_shift);
                const int32_t b = tc_add_raise(repeated[i], op->repeated_zero_point, op->repeated_multiplier,
                                               op->repeated_shift);
                const int32_t sum = tc_requantize(a + b, op->output_multiplier, op->output_shift);
                *to++ = tc_clamp(sum + op->output_zero_point, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

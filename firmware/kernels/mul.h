/* MUL of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a whole row. */
#ifndef TINYCOMP_MUL_H
#define TINYCOMP_MUL_H

#include "tinycomp.h"

typedef struct {
    uint16_t wide; /* which input has the output's shape, 0 or 1 */
    uint16_t rows; /* of the other input: as many as the output, or 1 (broadcast) */
    size_t size;   /* bytes of an output row */
    size_t period; /* bytes after which the other input repeats */
    int8_t wide_zero_point, repeated_zero_point;
    int8_t shift;
    int8_t output_zero_point;
    int8_t activation_min, activation_max;
    int32_t multiplier;
} tc_mul_t;

/* Output rows [first, last). No scratch. */
static __attribute__((unused)) void tc_mul(const tc_mul_t *constants, const tc_input_t *in, const tc_output_t *out,
                                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *wide = tc_input_row(in + op->wide, y);
        const int8_t *repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *result = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t factor = repeated[j] - op->repeated_zero_point;
                const int32_t product = (wide[i + j] - op->wide_zero_point) * factor;
                const int32_t scaled = tc_requantize(product, op->multiplier, op->shift) + op->output_zero_point;
                result[i + j] = tc_clamp(scaled, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

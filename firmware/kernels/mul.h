/* MUL of two tensors; the second may be broadcast: one row for all rows, one cell or one value for a whole row. */
#ifndef TINYCOMP_MUL_H
#define TINYCOMP_MUL_H

#include "product_row.h"
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

/* Output rows [first, last). No scratch. The output may overwrite the wide input. */
static void tc_mul(const tc_mul_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_t, op, constants);
    const tc_product_t product = {op->wide_zero_point,   op->repeated_zero_point, op->multiplier,    op->shift,
                                  op->output_zero_point, op->activation_min,      op->activation_max};
    const size_t step = op->period == 1 ? 0 : 1, period = step == 0 ? op->size : op->period;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *const wide = tc_input_row(in + op->wide, y);
        const int8_t *const repeated = tc_input_row(in + 1 - op->wide, op->rows == 1 ? 0 : y);
        int8_t *const to = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += period) {
            tc_product_row(&product, wide + i, repeated, step, to + i, period);
        }
    }
}

#endif

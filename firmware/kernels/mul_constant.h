/* The product of a tensor and a constant, which may be broadcast: one value per channel, or one for all. */
#ifndef TINYCOMP_MUL_CONSTANT_H
#define TINYCOMP_MUL_CONSTANT_H

#include "product_row.h"
#include "tinycomp.h"

typedef struct {
    size_t size;    /* bytes per row */
    size_t period;  /* values after which the constant repeats */
    size_t advance; /* values of the constant to skip per row */
    const int8_t *constant;
    int8_t input_zero_point, constant_zero_point;
    int8_t shift;
    int8_t output_zero_point;
    int8_t activation_min, activation_max;
    int32_t multiplier;
} tc_mul_constant_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_mul_constant(const tc_mul_constant_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_constant_t, op, constants);
    const tc_product_t product = {op->input_zero_point,  op->constant_zero_point, op->multiplier,    op->shift,
                                  op->output_zero_point, op->activation_min,      op->activation_max};
    const size_t step = op->period == 1 ? 0 : 1, period = step == 0 ? op->size : op->period;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *const x = tc_input_row(in, y);
        const int8_t *const constant = op->constant + y * op->advance;
        int8_t *const to = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += period) {
            tc_product_constant(&product, x + i, constant, step, to + i, period);
        }
    }
}

#endif

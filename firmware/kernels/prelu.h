/* PRELU: negative values times a constant slope, which may repeat: one for all, or one a channel. */
#ifndef TINYCOMP_PRELU_H
#define TINYCOMP_PRELU_H

#include "tinycomp.h"

typedef struct {
    size_t size;    /* bytes per row */
    size_t period;  /* slopes after which they repeat */
    size_t advance; /* slopes to skip per row */
    const int8_t *slopes;
    int8_t input_zero_point, slope_zero_point, output_zero_point;
    int8_t positive_shift, negative_shift;
    int32_t positive_multiplier; /* of values that are not negative */
    int32_t negative_multiplier; /* of products with a slope */
} tc_prelu_t;

static inline int32_t tc_prelu_value(const tc_prelu_t *op, int32_t x, int8_t slope)
{
    if (x >= 0) {
        return tc_requantize(x, op->positive_multiplier, op->positive_shift);
    }
    return tc_requantize(x * (slope - op->slope_zero_point), op->negative_multiplier, op->negative_shift);
}

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_prelu(const tc_prelu_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                     uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_prelu_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        const int8_t *slopes = op->slopes + y * op->advance;
        int8_t *result = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t value = tc_prelu_value(op, x[i + j] - op->input_zero_point, TC_READ_I8(slopes + j));
                result[i + j] = tc_clamp(value + op->output_zero_point, -128, 127);
            }
        }
    }
}

#endif

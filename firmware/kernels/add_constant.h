/* The sum of a tensor and a constant, which may be broadcast: one value per channel, or one for all. The tensor is
 * rescaled to twice the larger of both scales with 20 extra bits, the scale in which the constant is stored; the sum is
 * requantized to the output's scale. */
#ifndef TINYCOMP_ADD_CONSTANT_H
#define TINYCOMP_ADD_CONSTANT_H

#include "tinycomp.h"

typedef struct {
    size_t size;             /* bytes per row */
    size_t period;           /* values after which the constant repeats */
    size_t advance;          /* values of the constant to skip per row */
    const int32_t *constant; /* in the common scale */
    int8_t input_zero_point;
    int8_t negative; /* 1: subtract the tensor from the constant */
    int8_t input_shift, output_shift;
    int8_t output_zero_point;
    int8_t activation_min, activation_max;
    int32_t input_multiplier, output_multiplier;
} tc_add_constant_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_add_constant(const tc_add_constant_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_add_constant_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        const int32_t *constant = op->constant + y * op->advance;
        int8_t *result = tc_output_row(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t centred = (int32_t)(x[i + j] - op->input_zero_point) * ((int32_t)1 << 20);
                const int32_t raised = tc_requantize(centred, op->input_multiplier, op->input_shift);
                const int32_t sum = TC_READ_I32(constant + j) + (op->negative ? -raised : raised);
                const int32_t scaled = tc_requantize(sum, op->output_multiplier, op->output_shift);
                result[i + j] = tc_clamp(scaled + op->output_zero_point, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

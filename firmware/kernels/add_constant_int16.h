/* The sum of an int16 tensor and a constant, which may be broadcast: one value per channel, or one for all. The tensor
 * is rescaled to twice the larger of both scales with 15 extra bits, the scale in which the constant is stored. */
#ifndef TINYCOMP_ADD_CONSTANT_INT16_H
#define TINYCOMP_ADD_CONSTANT_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    size_t size;             /* values per row */
    size_t period;           /* values after which the constant repeats */
    size_t advance;          /* values of the constant to skip per row */
    const int32_t *constant; /* in the common scale */
    int8_t negative;         /* 1: subtract the tensor from the constant */
    int16_t activation_min, activation_max;
    int8_t input_shift, output_shift;
    int32_t input_multiplier, output_multiplier;
} tc_add_constant_int16_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_add_constant_int16(const tc_add_constant_int16_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_add_constant_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *x = tc_input_row_int16(in, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int32_t raised = tc_requantize((int32_t)x[i + j] * ((int32_t)1 << 15), op->input_multiplier,
                                                     op->input_shift);
                const int32_t other = TC_READ_I32(op->constant + y * op->advance + j);
                const int32_t sum = other + (op->negative ? -raised : raised);
                const int32_t scaled = tc_requantize(sum, op->output_multiplier, op->output_shift);
                to[i + j] = tc_clamp_int16(scaled, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

/* MUL of an int16 tensor and a constant, which may be broadcast: one value per channel, or one for all. */
#ifndef TINYCOMP_MUL_CONSTANT_INT16_H
#define TINYCOMP_MUL_CONSTANT_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    size_t size;    /* values per row */
    size_t period;  /* values after which the constant repeats */
    size_t advance; /* values of the constant to skip per row */
    const int16_t *constant;
    int8_t shift;
    int16_t activation_min, activation_max;
    int32_t multiplier;
} tc_mul_constant_int16_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_mul_constant_int16(const tc_mul_constant_int16_t *constants, const tc_input_t *in,
                                  const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_constant_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *x = tc_input_row_int16(in, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i += op->period) {
            for (size_t j = 0; j < op->period; j++) {
                const int16_t other = TC_READ_I16(op->constant + y * op->advance + j);
                const int32_t scaled = tc_requantize((int32_t)x[i + j] * other, op->multiplier, op->shift);
                to[i + j] = tc_clamp_int16(scaled, op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

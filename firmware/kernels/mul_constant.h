/* The product of a tensor and a constant, which may repeat itself: one value for each channel, or one for all. */
#ifndef TINYCOMP_MUL_CONSTANT_H
#define TINYCOMP_MUL_CONSTANT_H

#include "tinycomp.h"

typedef struct {
    size_t size;    /* bytes a row */
    size_t period;  /* values after which the constant starts again */
    size_t advance; /* values that the constant moves on with each row */
    const int8_t *constant;
    int32_t input_zero; /* zero points */
    int32_t constant_zero;
    int32_t multiplier;
    int shift;
    int32_t zero_point; /* of the output */
    int32_t low;        /* the activation's bounds */
    int32_t high;
} tc_mul_constant_t;

/* Computes output rows [first, last). Input and output may be the same tensor. */
static void tc_mul_constant(const tc_mul_constant_t *constants, const tc_input_t *in, const tc_output_t *out,
                            uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_mul_constant_t, k, constants);
    uint16_t y;
    size_t i, j;
    (void)scratch;
    for (y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        const int8_t *constant = k->constant + y * k->advance;
        int8_t *result = tc_output_row(out, y);
        for (i = 0; i < k->size; i += k->period) {
            for (j = 0; j < k->period; j++) {
                const int32_t product = (x[i + j] - k->input_zero) * (TC_READ_I8(constant + j) - k->constant_zero);
                const int32_t scaled = tc_requantize(product, k->multiplier, k->shift) + k->zero_point;
                result[i + j] = tc_clamp(scaled, k->low, k->high);
            }
        }
    }
}

#endif

/* RELU, LEAKY_RELU and QUANTIZE of int16: one factor on each side of zero. */
#ifndef TINYCOMP_RESCALE_INT16_INT16_H
#define TINYCOMP_RESCALE_INT16_INT16_H

#include "int16.h"
#include "tinycomp.h"

typedef struct {
    size_t size; /* values per row */
    int16_t input_zero_point;
    int16_t output_zero_point;
    int16_t low, high; /* of the output */
    int8_t positive_shift, negative_shift;
    int32_t positive_multiplier, negative_multiplier;
} tc_rescale_int16_int16_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_rescale_int16_int16(const tc_rescale_int16_int16_t *constants, const tc_input_t *in,
                                   const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_rescale_int16_int16_t, op, constants);
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int16_t *x = tc_input_row_int16(in, y);
        int16_t *to = tc_output_row_int16(out, y);
        for (size_t i = 0; i < op->size; i++) {
            const int32_t value = (int32_t)x[i] - op->input_zero_point;
            const int32_t scaled = value >= 0 ? tc_requantize(value, op->positive_multiplier, op->positive_shift)
                                              : tc_requantize(value, op->negative_multiplier, op->negative_shift);
            to[i] = tc_clamp_int16(scaled + op->output_zero_point, op->low, op->high);
        }
    }
}

#endif

/* The sum of a tensor and a constant, which may be broadcast: one value per channel, or one for all. An affine function,
 * as in add_affine.h, that the generator has proven for every input beside every value of the constant. */
#ifndef TINYCOMP_ADD_CONSTANT_AFFINE_H
#define TINYCOMP_ADD_CONSTANT_AFFINE_H

#include "affine_row.h"

typedef struct {
    uint32_t size;    /* bytes per row */
    uint32_t period;  /* values after which the constant repeats; the row if it is one value */
    uint32_t advance; /* values of the constant to skip per row */
    const int8_t *constant;
    int32_t input_factor;
    int32_t constant_factor; /* 0: the constant is one value, which the offset contains */
    int32_t offset;
    uint8_t shift;
    int8_t activation_min, activation_max;
} tc_add_constant_affine_t;

/* Output rows [first, last). No scratch. The output may overwrite the input. */
static void tc_add_constant_affine(const tc_add_constant_affine_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    const tc_affine_t affine = {op->input_factor, op->constant_factor, op->offset,
                                op->shift,        op->activation_min,  op->activation_max};
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *x = tc_input_row(in, y);
        const int8_t *const constant = op->constant + y * op->advance;
        int8_t *to = tc_output_row(out, y);
        for (uint32_t i = 0; i < op->size; i += op->period, x += op->period, to += op->period) {
            tc_affine_row(&affine, x, op->constant_factor != 0 ? constant : x, to, op->period);
        }
    }
}

#endif

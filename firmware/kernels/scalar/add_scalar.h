/* ADD of two tensors of one shape on cores that multiply one pair of numbers at a time.
 *
 * An output is a function of two int8 numbers, so a simpler one can be proven equal: (a x + b y + c) >> shift, held within
 * the activation's bounds. Build time has found a, b and c by trying all 65,536 pairs. No sum leaves 32 bits. */
#ifndef TINYCOMP_ADD_SCALAR_H
#define TINYCOMP_ADD_SCALAR_H

#include "tinycomp.h"

typedef struct {
    uint32_t size; /* bytes of a row */
    int32_t first_factor, second_factor, offset;
    uint8_t shift;
    int8_t activation_min, activation_max;
} tc_add_scalar_t;

/* Output rows [first, last). No scratch. The output may lie on the first input. */
static void tc_add_scalar(const tc_add_scalar_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                          uint16_t last, int8_t *scratch)
{
    const int32_t a = op->first_factor, b = op->second_factor, low = op->activation_min, high = op->activation_max;
    const uint32_t c = (uint32_t)op->offset;
    const int shift = op->shift;
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *p = tc_input_row(in, y), *q = tc_input_row(in + 1, y);
        int8_t *to = tc_output_row(out, y), *const end = to + op->size;
        while (to != end) {
            const int32_t value = (int32_t)((uint32_t)(*p++ * a) + (uint32_t)(*q++ * b) + c) >> shift;
            const int32_t raised = value < low ? low : value;
            *to++ = (int8_t)(raised > high ? high : raised);
        }
    }
}

#endif

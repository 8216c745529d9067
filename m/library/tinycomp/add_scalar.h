/* ADD of two tensors of the same shape on cores without SIMD.
 *
 * An output is a function of two int8 values, so a simpler formula can be proven equal: (a x + b y + c) >> shift,
 * clamped to the activation's bounds. The generator found a, b and c and checked all 65,536 pairs. No sum exceeds 32
 * bits. */
#ifndef TINYCOMP_ADD_SCALAR_H
#define TINYCOMP_ADD_SCALAR_H

#include "tinycomp.h"

typedef struct {
    uint32_t size; /* bytes per row */
    int32_t first_factor, second_factor, offset;
    uint8_t shift;
    int8_t activation_min, activation_max;
} tc_add_scalar_t;

static inline int8_t tc_add_scalar_value(const tc_add_scalar_t *op, int32_t x, int32_t y)
{
    const uint32_t first = (uint32_t)x * (uint32_t)op->first_factor, second = (uint32_t)y * (uint32_t)op->second_factor;
    int32_t value = (int32_t)(first + second + (uint32_t)op->offset) >> op->shift;
    if (value < op->activation_min) {
        value = op->activation_min;
    }
    if (value > op->activation_max) {
        value = op->activation_max;
    }
    return (int8_t)value;
}

/* Output rows [first, last). No scratch. The output may overwrite the first input. */
static void tc_add_scalar(const tc_add_scalar_t *constants, const tc_input_t *in, const tc_output_t *out,
                          uint16_t first, uint16_t last, int8_t *scratch)
{
    const tc_add_scalar_t op = *constants; /* a copy, which stores to the output cannot change */
    (void)scratch;
    for (uint16_t y = first; y < last; y++) {
        const int8_t *p = tc_input_row(in, y), *q = tc_input_row(in + 1, y);
        int8_t *to = tc_output_row(out, y);
        uint32_t rest = op.size;
        for (; rest >= 4; rest -= 4, p += 4, q += 4, to += 4) {
            to[0] = tc_add_scalar_value(&op, p[0], q[0]);
            to[1] = tc_add_scalar_value(&op, p[1], q[1]);
            to[2] = tc_add_scalar_value(&op, p[2], q[2]);
            to[3] = tc_add_scalar_value(&op, p[3], q[3]);
        }
        for (; rest > 0; rest--) {
            *to++ = tc_add_scalar_value(&op, *p++, *q++);
        }
    }
}

#endif

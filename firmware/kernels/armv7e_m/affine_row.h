/* An affine function of two int8 values on Armv7E-M: outputs saturate in one instruction; see generic/affine_row.h. */
#ifndef TINYCOMP_AFFINE_ROW_H
#define TINYCOMP_AFFINE_ROW_H

#include "affine.h"
#include "dsp.h"

static inline int8_t tc_affine_value(const tc_affine_t *f, int32_t x, int32_t y)
{
    return (int8_t)tc_saturate_to_int8((f->first * x + f->second * y + f->offset) >> f->shift);
}

/* `count` outputs; `to` may be x. */
static inline void tc_affine_row(const tc_affine_t *affine, const int8_t *x, const int8_t *y, int8_t *to,
                                 uint32_t count)
{
    const tc_affine_t f = *affine; /* a copy, which stores to the output cannot change */
    int8_t *const outputs = to;
    uint32_t rest = count;
    for (; rest >= 4; rest -= 4, x += 4, y += 4, to += 4) {
        to[0] = tc_affine_value(&f, x[0], y[0]);
        to[1] = tc_affine_value(&f, x[1], y[1]);
        to[2] = tc_affine_value(&f, x[2], y[2]);
        to[3] = tc_affine_value(&f, x[3], y[3]);
    }
    for (; rest > 0; rest--) {
        *to++ = tc_affine_value(&f, *x++, *y++);
    }
    for (uint32_t i = 0; i < count && (f.low != -128 || f.high != 127); i++) {
        outputs[i] = tc_clamp(outputs[i], f.low, f.high);
    }
}

#endif

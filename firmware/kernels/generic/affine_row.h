/* An affine function of two int8 values, in portable C: the reference that affine_row.h of every other instruction set must
 * match. */
#ifndef TINYCOMP_AFFINE_ROW_H
#define TINYCOMP_AFFINE_ROW_H

#include "affine.h"

static inline int8_t tc_affine_value(const tc_affine_t *f, int32_t x, int32_t y)
{
    const uint32_t first = (uint32_t)x * (uint32_t)f->first, second = (uint32_t)y * (uint32_t)f->second;
    int32_t value = (int32_t)(first + second + (uint32_t)f->offset) >> f->shift;
    if (value < f->low) {
        value = f->low;
    }
    if (value > f->high) {
        value = f->high;
    }
    return (int8_t)value;
}

/* `count` outputs; `to` may be x. */
static inline void tc_affine_row(const tc_affine_t *affine, const int8_t *x, const int8_t *y, int8_t *to,
                                 uint32_t count)
{
    const tc_affine_t f = *affine; /* a copy, which stores to the output cannot change */
    for (; count >= 4; count -= 4, x += 4, y += 4, to += 4) {
        to[0] = tc_affine_value(&f, x[0], y[0]);
        to[1] = tc_affine_value(&f, x[1], y[1]);
        to[2] = tc_affine_value(&f, x[2], y[2]);
        to[3] = tc_affine_value(&f, x[3], y[3]);
    }
    for (; count > 0; count--) {
        *to++ = tc_affine_value(&f, *x++, *y++);
    }
}

#endif

/* Requantization of int16 on Armv7E-M: LiteRT's product of a sum and a multiplier of 15 bits, rounded once, is the high
 * word of the product with that multiplier shifted to the left. The generator has checked that sums fit in 32 bits and
 * multipliers in 31. */
#ifndef TINYCOMP_ROUNDING_INT16_H
#define TINYCOMP_ROUNDING_INT16_H

#include "dsp.h"
#include "int16.h"

#if TC_DSP

static inline int32_t tc_saturate_to_int16(int32_t x)
{
    int32_t y;
    __asm__("ssat %0, #16, %1" : "=r"(y) : "r"(x));
    return y;
}

#else

static inline int32_t tc_saturate_to_int16(int32_t x)
{
    return tc_clamp_int16(x, -32768, 32767);
}

#endif

/* The output of a channel's sum; rectified: negative ones become 0. */
static inline int16_t tc_round_int16(int32_t sum, int32_t multiplier, int rectified)
{
    const int32_t y = tc_saturate_to_int16(tc_smmulr(sum, multiplier));
    return (int16_t)((rectified && y < 0) ? 0 : y);
}

/* Clamps a row of outputs where an activation's bounds are narrower than the kernel's own. */
static __attribute__((cold, noinline, unused)) void tc_clamp_row_int16(int16_t *row, size_t size, int32_t low,
                                                                       int32_t high)
{
    for (size_t i = 0; i < size; i++) {
        row[i] = tc_clamp_int16(row[i], low, high);
    }
}

#endif

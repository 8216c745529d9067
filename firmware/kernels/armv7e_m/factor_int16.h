/* Factors of 47 bits on Armv7E-M, for sums that fit in 32 bits: the product is rounded once. The generator has found ones
 * with which every sum of a channel gives what LiteRT computes in double precision.
 *
 * A row is three words: initial sum; upper bits of the multiplier; its lower 16 bits, and the shift of the product's high
 * word. */
#ifndef TINYCOMP_FACTOR_INT16_H
#define TINYCOMP_FACTOR_INT16_H

#include "rounding_int16.h"

#define TC_FACTOR_INT16_WORDS 3

#if TC_DSP

/* The product with the upper half of w, shifted right by 16. */
static inline int32_t tc_smulwt(int32_t x, int32_t w)
{
    int32_t y;
    __asm__("smulwt %0, %1, %2" : "=r"(y) : "r"(x), "r"(w));
    return y;
}

/* x shifted right by the lowest byte of `shift`, which is at least 1, rounded half up. */
static inline int32_t tc_shift_half_up(int32_t x, int32_t shift)
{
    int32_t y;
    __asm__("asrs %0, %1, %2\n\tadc %0, %0, #0" : "=r"(y) : "r"(x), "r"(shift) : "cc");
    return y;
}

#else

static inline int32_t tc_smulwt(int32_t x, int32_t w)
{
    return (int32_t)(((int64_t)x * (w >> 16)) >> 16);
}

static inline int32_t tc_shift_half_up(int32_t x, int32_t shift)
{
    return ((x >> ((shift & 31) - 1)) + 1) >> 1;
}

#endif

/* The int16 value of a sum. */
static inline int32_t tc_factor_int16(const int32_t *row, uint32_t sum)
{
    const int64_t product = (int64_t)(int32_t)sum * row[1] + tc_smulwt((int32_t)sum, row[2]);
    return tc_saturate_to_int16(tc_shift_half_up((int32_t)(product >> 32), row[2]));
}

#endif

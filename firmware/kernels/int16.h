/* Values of 16 bits: rows of int16, the clamp, and the requantization of 64-bit sums. Their zero point is always 0. */
#ifndef TINYCOMP_INT16_H
#define TINYCOMP_INT16_H

#include "tinycomp.h"

static inline const int16_t *tc_input_row_int16(const tc_input_t *in, uint16_t y)
{
    return (const int16_t *)(const void *)tc_input_row(in, y);
}

static inline int16_t *tc_output_row_int16(const tc_output_t *out, uint16_t y)
{
    return (int16_t *)(void *)tc_output_row(out, y);
}

static inline int16_t tc_clamp_int16(int32_t x, int32_t low, int32_t high)
{
    x = (x < low) ? low : x;
    return (int16_t)((x > high) ? high : x);
}

/* x times multiplier * 2^(shift - 15), rounded once, half up. The multiplier has 15 bits, shift is at most 7. Values and
 * scales are such that the result is an int32. */
static inline int32_t tc_requantize_wide(int64_t x, int32_t multiplier, int shift)
{
    const int total = 15 - shift;
    return (int32_t)((x * multiplier + ((int64_t)1 << (total - 1))) >> total);
}

#endif

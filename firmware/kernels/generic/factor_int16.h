/* Factors of 47 bits for sums that fit in 32 bits, in portable C: the reference that factor_int16.h of every other
 * instruction set must match. The product is rounded once. The generator has found factors with which every sum of a
 * channel gives what LiteRT computes in double precision.
 *
 * A row is three words: initial sum; upper bits of the multiplier; its lower 16 bits, and the shift of the product's high
 * word. */
#ifndef TINYCOMP_FACTOR_INT16_H
#define TINYCOMP_FACTOR_INT16_H

#include "int16.h"

#define TC_FACTOR_INT16_WORDS 3

/* The int16 value of a sum. */
static inline int32_t tc_factor_int16(const int32_t *row, uint32_t sum)
{
    const int64_t lower = ((int64_t)(int32_t)sum * (row[2] >> 16)) >> 16;
    const int32_t high = (int32_t)(((int64_t)(int32_t)sum * row[1] + lower) >> 32);
    const int shift = (int)(row[2] & 31);
    return tc_clamp_int16(((high >> (shift - 1)) + 1) >> 1, -32768, 32767);
}

#endif

/* Sigmoid and tanh of int16 values as gemmlowp computes them. A format has a number of integer bits, and 15 minus that
 * many fractional bits; results have 15 fractional bits. */
#ifndef TINYCOMP_FUNCTIONS_16_H
#define TINYCOMP_FUNCTIONS_16_H

#include "tinycomp.h"
#include "two_over_one_plus_exp.h"

static inline int32_t tc_saturate_16(int32_t x)
{
    return x < -32768 ? -32768 : x > 32767 ? 32767 : x;
}

/* Of a number with 3 integer bits. */
static inline int32_t tc_sigmoid_16(int32_t x)
{
    const int32_t positive = tc_saturate_16(2 * tc_two_over_one_plus_exp_16((x > 0 ? -x : x) * 8));
    return x == 0 ? 16384 : x > 0 ? positive : 32767 - positive;
}

/* Of a number with 0 to 6 integer bits. */
static inline int32_t tc_tanh_16(int32_t x, int integer_bits)
{
    const int32_t exponential = tc_two_over_one_plus_exp_16((x < 0 ? x : -x) * ((int32_t)2 << integer_bits));
    const int32_t size = tc_saturate_16(4 * (exponential - 8192));
    return x == 0 ? 0 : x < 0 ? -size : size;
}

#endif

/* Requantization on cores without SIMD, rounding twice like tc_requantize. With a sum s, multiplier m and right shift r
 * of at least 1, one shift gives the result
 *     (floor(s m / 2^30) +- 1 + ((2 z + 1) << r)) >> (r + 1)
 * with + if s >= 0, else -; z is the output's zero point. As nested floors collapse, both roundings are terms added
 * before the shift: half a unit of the high word, and half a unit of the result. The second rounding is away from zero,
 * so for negative s its term is one unit of the high word smaller. */
#ifndef TINYCOMP_REQUANTIZE_H
#define TINYCOMP_REQUANTIZE_H

#include "assembly.h"
#include "tinycomp.h"

#if TC_ASM && defined(__ARM_ARCH_6M__) && !defined(__ARM_BIG_ENDIAN)
#define TC_SCALAR_ARMV6M 1
#else
#define TC_SCALAR_ARMV6M 0
#endif

/* 1: products of two words are one word only: Armv6-M, and Xtensa, where some cores lack the high word. */
#if defined(__ARM_ARCH_6M__) || defined(__XTENSA__)
#define TC_SCALAR_NARROW 1
#else
#define TC_SCALAR_NARROW 0
#endif

#if TC_SCALAR_NARROW

/* floor(a b / 2^30), |a| < 2^20, b >= 0: b is split into three parts of eleven bits, so that each product fits a
 * word. */
static inline int32_t tc_scalar_product(int32_t a, int32_t b)
{
    const int32_t low = (a * (b & 0x7FF)) >> 11;
    return (a * (b >> 22) + ((a * ((b >> 11) & 0x7FF) + low) >> 11)) >> 8;
}

#else

static inline int32_t tc_scalar_product(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)(a * 4) * b) >> 32);
}

#endif

/* Constants of all channels of a layer. */
typedef struct {
    int32_t rounding; /* 2 * the output's zero point + 1 */
    int32_t low, high;
} tc_scalar_output_t;

static inline tc_scalar_output_t tc_scalar_output(int32_t zero_point, int32_t low, int32_t high)
{
    const tc_scalar_output_t output = {2 * zero_point + 1, low, high};
    return output;
}

/* Requantization of a channel. factors: bias * 32 + right shift + 1, multiplier. */
typedef struct {
    int32_t multiplier, rounding, shift, low, high;
} tc_scalar_scale_t;

static inline tc_scalar_scale_t tc_scalar_scale(tc_scalar_output_t output, const int32_t *factors)
{
    tc_scalar_scale_t scale;
    scale.multiplier = factors[1];
    scale.shift = factors[0] & 31;
    scale.rounding = 1 + ((int32_t)((uint32_t)output.rounding << scale.shift) >> 1);
    scale.low = output.low;
    scale.high = output.high;
    return scale;
}

/* |sum| < 2^20. */
static inline int8_t tc_scalar_int8(int32_t sum, tc_scalar_scale_t scale)
{
    int32_t value = tc_scalar_product(sum, scale.multiplier) + scale.rounding;
    if (sum < 0) {
        value -= 2;
    }
    value >>= scale.shift;
    if (value < scale.low) {
        value = scale.low;
    }
    if (value > scale.high) {
        value = scale.high;
    }
    return (int8_t)value;
}

#endif

/* A mean of int16 values: rounded half away from zero. */
#ifndef TINYCOMP_DIVISION_INT16_H
#define TINYCOMP_DIVISION_INT16_H

#include "divisor.h"
#include "int16.h"

/* x / count, at most 2^15, also on cores without a division. */
static inline uint32_t tc_division_int16_quotient(uint32_t x, uint32_t count)
{
#if defined(__ARM_FEATURE_IDIV) || defined(__riscv_div)
    return x / count;
#else
    return tc_divisor_quotient(x, count, 16);
#endif
}

/* sum / count, within the bounds; count is at most 2^15. */
static inline int16_t tc_division_int16(int32_t sum, uint32_t count, int32_t low, int32_t high)
{
    const uint32_t magnitude = ((sum < 0) ? 0u - (uint32_t)sum : (uint32_t)sum) + count / 2;
    const int32_t mean = (int32_t)tc_division_int16_quotient(magnitude, count);
    return tc_clamp_int16((sum < 0) ? -mean : mean, low, high);
}

#endif

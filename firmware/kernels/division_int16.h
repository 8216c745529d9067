/* A mean of int16 values: rounded half away from zero. */
#ifndef TINYCOMP_DIVISION_INT16_H
#define TINYCOMP_DIVISION_INT16_H

#include "int16.h"

/* sum / count, within the bounds; count is at most 2^15. */
static inline int16_t tc_division_int16(int32_t sum, uint32_t count, int32_t low, int32_t high)
{
    const uint32_t magnitude = ((sum < 0) ? 0u - (uint32_t)sum : (uint32_t)sum) + count / 2;
    const int32_t mean = (int32_t)(magnitude / count);
    return tc_clamp_int16((sum < 0) ? -mean : mean, low, high);
}

#endif

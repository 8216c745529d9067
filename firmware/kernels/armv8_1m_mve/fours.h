/* Four values at a time on Armv8.1-M with MVE: int8 or int16 as 32-bit lanes, and their requantization. */
#ifndef TINYCOMP_FOURS_H
#define TINYCOMP_FOURS_H

#include "tinycomp.h"
#include "vectors.h"

#if TC_MVE

/* Values i to i + 3 of a row of int8 (size 1) or int16 (size 2). */
static inline int32x4_t tc_fours_load(const int8_t *row, size_t i, unsigned size, mve_pred16_t valid)
{
    return size == 1 ? __arm_vldrbq_z_s32(row + i, valid)
                     : __arm_vldrhq_z_s32((const int16_t *)(const void *)row + i, valid);
}

/* Stores them within their bounds. */
static inline void tc_fours_store(int8_t *row, size_t i, unsigned size, int32x4_t values, int32x4_t low, int32x4_t high,
                                  mve_pred16_t valid)
{
    values = __arm_vminq_s32(__arm_vmaxq_s32(values, low), high);
    if (size == 1) {
        __arm_vstrbq_p_s32(row + i, values, valid);
    } else {
        __arm_vstrhq_p_s32((int16_t *)(void *)row + i, values, valid);
    }
}

/* tc_requantize of each, for a shift of at most 0: negative values that are shifted round away from zero. */
static inline int32x4_t tc_fours_requantize(int32x4_t x, int32_t multiplier, int32_t shift)
{
    const int32x4_t high = __arm_vqrdmulhq_n_s32(x, multiplier);
    const int32x4_t away = __arm_vshrq_n_s32(__arm_vandq_s32(high, __arm_vdupq_n_s32(shift)), 31);
    return __arm_vrshlq_n_s32(__arm_vqaddq_s32(high, away), shift);
}

#endif

#endif

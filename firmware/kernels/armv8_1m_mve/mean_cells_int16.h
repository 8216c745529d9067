/* The mean of a window's cells of int16 on Armv8.1-M with MVE: four channels per vector. */
#ifndef TINYCOMP_MEAN_CELLS_INT16_H
#define TINYCOMP_MEAN_CELLS_INT16_H

#include "cells_int16.h"
#include "division_int16.h"
#include "vectors.h"

#if TC_MVE

#define TC_MEAN_CELLS_INT16_MOST 256u /* cells with an exact quotient by the high word of a product */

/* Sums of the four channels from c on that are valid. */
static inline int32x4_t tc_mean_cells_int16_sums(const tc_cells_t *cells, size_t channels, size_t c, mve_pred16_t valid)
{
    const int8_t *row = cells->first + sizeof(int16_t) * c;
    int32x4_t sums = __arm_vdupq_n_s32(0);
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int16_t *cell = (const int16_t *)(const void *)row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            sums = __arm_vaddq_s32(sums, __arm_vldrhq_z_s32(cell, valid));
        }
    }
    return sums;
}

static inline void tc_mean_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t high, int16_t *to)
{
    const uint32_t count = (uint32_t)cells->rows * cells->columns;
    /* 2^32 / count, rounded up: x / count is the high word of the product, for x of up to 2^15 * count + count / 2. */
    const uint32_t reciprocal = UINT32_MAX / count + 1;
    for (size_t c = 0; c < channels; c += 4) {
        const mve_pred16_t valid = __arm_vctp32q((uint32_t)(channels - c));
        const int32x4_t sums = tc_mean_cells_int16_sums(cells, channels, c, valid);
        int32x4_t means = sums;
        if (count > TC_MEAN_CELLS_INT16_MOST) {
            for (size_t i = 0; i < 4 && c + i < channels; i++) {
                to[c + i] = tc_division_int16(sums[i], count, low, high);
            }
            continue;
        }
        if (count > 1) {
            const uint32x4_t sizes = __arm_vaddq_n_u32(__arm_vreinterpretq_u32_s32(__arm_vabsq_s32(sums)), count / 2);
            means = __arm_vreinterpretq_s32_u32(__arm_vmulhq_u32(sizes, __arm_vdupq_n_u32(reciprocal)));
            means = __arm_vnegq_m_s32(means, means, __arm_vcmpltq_n_s32(sums, 0));
        }
        means = __arm_vmaxq_s32(means, __arm_vdupq_n_s32(low));
        means = __arm_vminq_s32(means, __arm_vdupq_n_s32(high));
        __arm_vstrhq_p_s32(to + c, means, valid);
    }
}

#else

static inline void tc_mean_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t high, int16_t *to)
{
    const uint32_t count = (uint32_t)cells->rows * cells->columns;
    for (size_t c = 0; c < channels; c++) {
        to[c] = tc_division_int16(tc_cells_sum_int16(cells, channels, c), count, low, high);
    }
}

#endif

#endif

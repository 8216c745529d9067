/* The mean of a window's cells on Armv8.1-M with MVE: four channels a vector. */
#ifndef TINYCOMP_MEAN_CELLS_H
#define TINYCOMP_MEAN_CELLS_H

#include "cells.h"
#include "divisor.h"
#include "vectors.h"

#if TC_MVE

/* Of TC_DIVISOR_MOST cells at most. */
static inline void tc_mean_cells_vectors(const tc_cells_t *cells, size_t channels, const tc_divisor_t *divisor,
                                         int8_t *to)
{
    const int32x4_t less = __arm_vdupq_n_s32(divisor->positive - divisor->negative);
    for (size_t c = 0; c < channels; c += 4) {
        const mve_pred16_t valid = __arm_vctp32q((uint32_t)(channels - c));
        const int8_t *row = cells->first + c;
        int32x4_t sum = __arm_vdupq_n_s32(0);
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int8_t *cell = row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
                sum = __arm_vaddq_s32(sum, __arm_vldrbq_z_s32(cell, valid));
            }
        }
        {
            const int32x4_t below = __arm_vandq_s32(less, __arm_vshrq_n_s32(sum, 31)); /* 1 where the sum is negative */
            const int32x4_t x = __arm_vsubq_s32(__arm_vaddq_n_s32(sum, divisor->positive), below);
            const int32x4_t product = __arm_vmulq_n_s32(x, (int32_t)divisor->factor);
            const uint32x4_t quotient = __arm_vshrq_n_u32(__arm_vreinterpretq_u32_s32(product), 24);
            const int32x4_t mean = __arm_vsubq_n_s32(__arm_vreinterpretq_s32_u32(quotient), 128);
            const int32x4_t held = __arm_vminq_s32(__arm_vmaxq_s32(mean, __arm_vdupq_n_s32(divisor->low)),
                                                   __arm_vdupq_n_s32(divisor->high));
            __arm_vstrbq_p_s32(to + c, held, valid);
        }
    }
}

#endif

static inline void tc_mean_cells(const tc_cells_t *cells, size_t channels, const tc_divisor_t *divisor, int8_t *to)
{
#if TC_MVE
    if (divisor->factor != 0) {
        tc_mean_cells_vectors(cells, channels, divisor, to);
        return;
    }
#endif
    for (size_t c = 0; c < channels; c++) {
        to[c] = tc_divisor_mean(divisor, tc_cells_sum(cells, channels, c));
    }
}

#endif

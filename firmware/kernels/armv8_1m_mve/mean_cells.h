/* The mean of a window's cells on Armv8.1-M with MVE: eight channels per vector. */
#ifndef TINYCOMP_MEAN_CELLS_H
#define TINYCOMP_MEAN_CELLS_H

#include "cells.h"
#include "divisor.h"
#include "vectors.h"

#if TC_MVE

/* For at most TC_DIVISOR_MOST cells. */
static inline void tc_mean_cells_vectors(const tc_cells_t *cells, size_t channels, const tc_divisor_t *divisor,
                                         int8_t *to)
{
    const int16x8_t less = __arm_vdupq_n_s16((int16_t)(divisor->positive - divisor->negative));
    const int16x8_t low = __arm_vdupq_n_s16(divisor->low), high = __arm_vdupq_n_s16(divisor->high);
    for (size_t c = 0; c < channels; c += 8) {
        const mve_pred16_t valid = __arm_vctp16q((uint32_t)(channels - c));
        const int8_t *row = cells->first + c;
        int16x8_t sum = __arm_vdupq_n_s16(0), below, mean;
        uint16x8_t x, quotient;
        uint32x4_t even, odd;
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int8_t *cell = row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
                sum = __arm_vaddq_s16(sum, __arm_vldrbq_z_s16(cell, valid));
            }
        }
        below = __arm_vandq_s16(less, __arm_vshrq_n_s16(sum, 15)); /* 1 where the sum is negative */
        x = __arm_vreinterpretq_u16_s16(__arm_vsubq_s16(sum, below));
        x = __arm_vaddq_n_u16(x, (uint16_t)divisor->positive);
        even = __arm_vshrq_n_u32(__arm_vmulq_n_u32(__arm_vmovlbq_u16(x), divisor->factor), 24);
        odd = __arm_vshrq_n_u32(__arm_vmulq_n_u32(__arm_vmovltq_u16(x), divisor->factor), 24);
        quotient = __arm_vmovntq_u32(__arm_vmovnbq_u32(x, even), odd);
        mean = __arm_vsubq_n_s16(__arm_vreinterpretq_s16_u16(quotient), 128);
        __arm_vstrbq_p_s16(to + c, __arm_vminq_s16(__arm_vmaxq_s16(mean, low), high), valid);
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

/* The maximum of a window's cells on Armv8.1-M with MVE: sixteen channels per vector. Each result is at least `low`. */
#ifndef TINYCOMP_MAX_CELLS_H
#define TINYCOMP_MAX_CELLS_H

#include "cells.h"
#include "vectors.h"

#if TC_MVE

static inline void tc_max_cells(const tc_cells_t *cells, size_t channels, int8_t low, int8_t *to)
{
    for (size_t c = 0; c < channels; c += 16) {
        const mve_pred16_t valid = __arm_vctp8q((uint32_t)(channels - c));
        const int8_t *row = cells->first + c;
        int8x16_t largest = __arm_vdupq_n_s8(low);
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int8_t *cell = row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
                largest = __arm_vmaxq_s8(largest, __arm_vldrbq_z_s8(cell, valid));
            }
        }
        __arm_vstrbq_p_s8(to + c, largest, valid);
    }
}

#else

static inline void tc_max_cells(const tc_cells_t *cells, size_t channels, int8_t low, int8_t *to)
{
    for (size_t c = 0; c < channels; c++) {
        to[c] = tc_cells_largest(cells, channels, c, low);
    }
}

#endif

#endif

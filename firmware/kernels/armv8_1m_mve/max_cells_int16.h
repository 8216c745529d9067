/* The maximum of a window's cells of int16 on Armv8.1-M with MVE: eight channels per vector. Each result is at least
 * `low`. */
#ifndef TINYCOMP_MAX_CELLS_INT16_H
#define TINYCOMP_MAX_CELLS_INT16_H

#include "cells_int16.h"
#include "vectors.h"

#if TC_MVE

static inline void tc_max_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t *to)
{
    for (size_t c = 0; c < channels; c += 8) {
        const mve_pred16_t valid = __arm_vctp16q((uint32_t)(channels - c));
        const int8_t *row = cells->first + sizeof(int16_t) * c;
        int16x8_t largest = __arm_vdupq_n_s16(low);
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int16_t *cell = (const int16_t *)(const void *)row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
                largest = __arm_vmaxq_s16(largest, __arm_vldrhq_z_s16(cell, valid));
            }
        }
        __arm_vstrhq_p_s16(to + c, largest, valid);
    }
}

#else

static inline void tc_max_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t *to)
{
    for (size_t c = 0; c < channels; c++) {
        const int8_t *row = cells->first + sizeof(int16_t) * c;
        int16_t largest = low;
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int16_t *cell = (const int16_t *)(const void *)row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
                largest = *cell > largest ? *cell : largest;
            }
        }
        to[c] = largest;
    }
}

#endif

#endif

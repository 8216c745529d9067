/* The mean of a window's cells of int16, per channel, in portable C: the reference that mean_cells_int16.h of every other
 * instruction set must match. */
#ifndef TINYCOMP_MEAN_CELLS_INT16_H
#define TINYCOMP_MEAN_CELLS_INT16_H

#include "cells_int16.h"
#include "division_int16.h"

static inline void tc_mean_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t high, int16_t *to)
{
    const uint32_t count = (uint32_t)cells->rows * cells->columns;
    for (size_t c = 0; c < channels; c++) {
        to[c] = tc_division_int16(tc_cells_sum_int16(cells, channels, c), count, low, high);
    }
}

#endif

/* The mean of a window's cells, per channel, in portable C: the reference that mean_cells.h of every other instruction
 * set must match. */
#ifndef TINYCOMP_MEAN_CELLS_H
#define TINYCOMP_MEAN_CELLS_H

#include "cells.h"
#include "divisor.h"

static inline void tc_mean_cells(const tc_cells_t *cells, size_t channels, const tc_divisor_t *divisor, int8_t *to)
{
    for (size_t c = 0; c < channels; c++) {
        to[c] = tc_divisor_mean(divisor, tc_cells_sum(cells, channels, c));
    }
}

#endif

/* The mean of a window's cells, channel by channel, in portable C: the definition that every other instruction set's
 * mean_cells.h must equal. */
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

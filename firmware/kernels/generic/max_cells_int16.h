/* The maximum of a window's cells of int16, per channel, in portable C: the reference that max_cells_int16.h of every
 * other instruction set must match. Each result is at least `low`. */
#ifndef TINYCOMP_MAX_CELLS_INT16_H
#define TINYCOMP_MAX_CELLS_INT16_H

#include "cells_int16.h"

static inline void tc_max_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t *to)
{
    const int8_t *row = cells->first;
    for (size_t c = 0; c < channels; c++) {
        to[c] = low;
    }
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int16_t *cell = (const int16_t *)(const void *)row;
        for (unsigned columns = cells->columns; columns > 0; columns--) {
            for (size_t c = 0; c < channels; c++) {
                const int16_t value = *cell++;
                if (value > to[c]) {
                    to[c] = value;
                }
            }
        }
    }
}

#endif

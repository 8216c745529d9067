/* The maximum of a window's cells, per channel, in portable C: the reference that max_cells.h of every other
 * instruction set must match. Each result is at least `low`. */
#ifndef TINYCOMP_MAX_CELLS_H
#define TINYCOMP_MAX_CELLS_H

#include "cells.h"

#define TC_MAX_CELLS_FEW 4u /* up to this many channels, each is computed separately */

static inline void tc_max_cells(const tc_cells_t *cells, size_t channels, int8_t low, int8_t *to)
{
    const int8_t *row = cells->first;
    if (channels < TC_MAX_CELLS_FEW) {
        for (size_t c = 0; c < channels; c++) {
            to[c] = tc_cells_largest(cells, channels, c, low);
        }
        return;
    }
    tc_fill(to, low, channels);
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--) {
            for (size_t c = 0; c < channels; c++) {
                const int8_t value = *cell++;
                if (value > to[c]) {
                    to[c] = value;
                }
            }
        }
    }
}

#endif

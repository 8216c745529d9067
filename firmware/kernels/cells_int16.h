/* Pooling windows over int16: cells.h, whose addresses are of bytes. */
#ifndef TINYCOMP_CELLS_INT16_H
#define TINYCOMP_CELLS_INT16_H

#include "cells.h"
#include "int16.h"

/* The columns of a window: see tc_cells_move. */
static inline void tc_cells_move_int16(tc_cells_t *cells, int32_t left, uint16_t width, uint16_t kernel,
                                       size_t channels)
{
    tc_cells_move(cells, left, width, kernel, sizeof(int16_t) * channels);
}

/* The sum of channel c. */
static inline int32_t tc_cells_sum_int16(const tc_cells_t *cells, size_t channels, size_t c)
{
    const int8_t *row = cells->first + sizeof(int16_t) * c;
    int32_t sum = 0;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int16_t *cell = (const int16_t *)(const void *)row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            sum += *cell;
        }
    }
    return sum;
}

#endif

/* The mean of a window's cells of int16 on Armv7E-M: four channels at a time, two per word. */
#ifndef TINYCOMP_MEAN_CELLS_INT16_H
#define TINYCOMP_MEAN_CELLS_INT16_H

#include "cells_int16.h"
#include "division_int16.h"
#include "dsp.h"

#define TC_MEAN_CELLS_INT16_WIDE 4u /* channels */

/* Sums of four channels from c on. */
static inline void tc_mean_cells_int16_sums(const tc_cells_t *cells, size_t channels, size_t c, int32_t *sums)
{
    const int8_t *row = cells->first + sizeof(int16_t) * c;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += sizeof(int16_t) * channels) {
            const uint32_t first = tc_load_word(cell), second = tc_load_word(cell + 4);
            s0 += (int16_t)first;
            s1 += (int32_t)first >> 16;
            s2 += (int16_t)second;
            s3 += (int32_t)second >> 16;
        }
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

static inline void tc_mean_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t high, int16_t *to)
{
    const uint32_t count = (uint32_t)cells->rows * cells->columns;
    int32_t sums[TC_MEAN_CELLS_INT16_WIDE];
    const size_t whole = channels - channels % TC_MEAN_CELLS_INT16_WIDE;
    for (size_t c = 0; c < whole; c += TC_MEAN_CELLS_INT16_WIDE) {
        tc_mean_cells_int16_sums(cells, channels, c, sums);
        for (unsigned i = 0; i < TC_MEAN_CELLS_INT16_WIDE; i++) {
            to[c + i] = tc_division_int16(sums[i], count, low, high);
        }
    }
    for (size_t c = whole; c < channels; c++) {
        to[c] = tc_division_int16(tc_cells_sum_int16(cells, channels, c), count, low, high);
    }
}

#endif

/* The mean of a window's cells on Armv7E-M: four channels per word, their sums in the halves of two words. */
#ifndef TINYCOMP_MEAN_CELLS_H
#define TINYCOMP_MEAN_CELLS_H

#include "bytes.h"
#include "cells.h"
#include "divisor.h"
#include "dsp.h"

/* Four channels from c on, of at most TC_DIVISOR_MOST cells. */
static __attribute__((noinline)) void tc_mean_cells_word(const tc_cells_t *cells, size_t channels, size_t c,
                                                         const tc_divisor_t *divisor, int8_t *to)
{
    const int8_t *row = cells->first + c;
    uint32_t even = 0, odd = 0, word;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            const uint32_t four = tc_load_word(cell);
            even = tc_sxtab16(even, four);
            odd = tc_sxtab16_odd(odd, four);
        }
    }
    word = tc_divisor_raised(divisor, (int16_t)even) | tc_divisor_raised(divisor, (int16_t)odd) << 8;
    word |= tc_divisor_raised(divisor, (int32_t)even >> 16) << 16 | tc_divisor_raised(divisor, (int32_t)odd >> 16)
                                                                        << 24;
    word = tc_max_bytes(word ^ 0x80808080u, tc_four_bytes(divisor->low));
    word = tc_min_bytes(word, tc_four_bytes(divisor->high));
    memcpy(to + c, &word, sizeof word);
}

static inline void tc_mean_cells(const tc_cells_t *cells, size_t channels, const tc_divisor_t *divisor, int8_t *to)
{
    const int words = channels >= 4 && divisor->factor != 0;
    for (size_t c = 0; words && c < channels; c += 4) { /* the last word may overlap the one before */
        tc_mean_cells_word(cells, channels, channels - c < 4 ? channels - 4 : c, divisor, to);
    }
    for (size_t c = 0; !words && c < channels; c++) {
        to[c] = tc_divisor_mean(divisor, tc_cells_sum(cells, channels, c));
    }
}

#endif

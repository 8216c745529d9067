/* The maximum of a window's cells on Armv7E-M: four channels per word, up to four words at a time. Each result is at
 * least `low`. */
#ifndef TINYCOMP_MAX_CELLS_H
#define TINYCOMP_MAX_CELLS_H

#include "bytes.h"
#include "cells.h"
#include "dsp.h"

#define TC_MAX_CELLS_WIDE 16u /* channels of four words */

/* Four channels from c on; `low` is four bytes. */
static inline void tc_max_cells_word(const tc_cells_t *cells, size_t channels, size_t c, uint32_t low, int8_t *to)
{
    const int8_t *row = cells->first + c;
    uint32_t word = low;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            word = tc_max_bytes(word, tc_load_word(cell));
        }
    }
    memcpy(to + c, &word, sizeof word);
}

/* Sixteen channels from c on. */
static inline void tc_max_cells_wide(const tc_cells_t *cells, size_t channels, size_t c, uint32_t low, int8_t *to)
{
    const int8_t *row = cells->first + c;
    uint32_t words[4] = {low, low, low, low};
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += channels) {
            words[0] = tc_max_bytes(words[0], tc_load_word(cell));
            words[1] = tc_max_bytes(words[1], tc_load_word(cell + 4));
            words[2] = tc_max_bytes(words[2], tc_load_word(cell + 8));
            words[3] = tc_max_bytes(words[3], tc_load_word(cell + 12));
        }
    }
    memcpy(to + c, words, sizeof words);
}

static inline void tc_max_cells(const tc_cells_t *cells, size_t channels, int8_t low, int8_t *to)
{
    const uint32_t four = tc_four_bytes(low);
    size_t c = 0;
    if (channels < 4) {
        for (; c < channels; c++) {
            to[c] = tc_cells_largest(cells, channels, c, low);
        }
        return;
    }
    for (; channels - c >= TC_MAX_CELLS_WIDE; c += TC_MAX_CELLS_WIDE) {
        tc_max_cells_wide(cells, channels, c, four, to);
    }
    for (; c < channels; c += 4) { /* the last word may overlap the one before */
        tc_max_cells_word(cells, channels, channels - c < 4 ? channels - 4 : c, four, to);
    }
}

#endif

/* The maximum of a window's cells of int16 on Armv7E-M: two channels per word, up to four words at a time. Each result is
 * at least `low`. */
#ifndef TINYCOMP_MAX_CELLS_INT16_H
#define TINYCOMP_MAX_CELLS_INT16_H

#include "cells_int16.h"
#include "dsp.h"

#define TC_MAX_CELLS_INT16_WIDE 8u /* channels of four words */

#if TC_DSP

/* The maximum of each pair of halves. */
static inline uint32_t tc_max_halves(uint32_t a, uint32_t b)
{
    uint32_t y;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(y) : "r"(a), "r"(b) : "cc");
    return y;
}

#else

static inline uint32_t tc_max_halves(uint32_t a, uint32_t b)
{
    const uint32_t low = ((int16_t)a > (int16_t)b ? a : b) & 0xFFFFu;
    return low | (((int16_t)(a >> 16) > (int16_t)(b >> 16) ? a : b) & 0xFFFF0000u);
}

#endif

/* Two channels, `at` bytes into a cell of `size` bytes; `low` is both halves. */
static inline void tc_max_cells_int16_word(const tc_cells_t *cells, size_t size, size_t at, uint32_t low, int8_t *to)
{
    const int8_t *row = cells->first + at;
    uint32_t word = low;
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += size) {
            word = tc_max_halves(word, tc_load_word(cell));
        }
    }
    memcpy(to + at, &word, sizeof word);
}

/* Eight channels. */
static inline void tc_max_cells_int16_wide(const tc_cells_t *cells, size_t size, size_t at, uint32_t low, int8_t *to)
{
    const int8_t *row = cells->first + at;
    uint32_t words[4] = {low, low, low, low};
    for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
        const int8_t *cell = row;
        for (unsigned columns = cells->columns; columns > 0; columns--, cell += size) {
            words[0] = tc_max_halves(words[0], tc_load_word(cell));
            words[1] = tc_max_halves(words[1], tc_load_word(cell + 4));
            words[2] = tc_max_halves(words[2], tc_load_word(cell + 8));
            words[3] = tc_max_halves(words[3], tc_load_word(cell + 12));
        }
    }
    memcpy(to + at, words, sizeof words);
}

static inline void tc_max_cells_int16(const tc_cells_t *cells, size_t channels, int16_t low, int16_t *to)
{
    const uint32_t two = (uint16_t)low * 0x00010001u;
    const size_t size = sizeof(int16_t) * channels, wide = sizeof(int16_t) * TC_MAX_CELLS_INT16_WIDE;
    size_t at = 0;
    if (channels < 2) {
        const int8_t *row = cells->first;
        int32_t largest = low;
        for (unsigned rows = cells->rows; rows > 0; rows--, row = tc_cells_below(cells, row)) {
            const int16_t *cell = (const int16_t *)(const void *)row;
            for (unsigned columns = cells->columns; columns > 0; columns--, cell++) {
                largest = *cell > largest ? *cell : largest;
            }
        }
        *to = (int16_t)largest;
        return;
    }
    for (; size - at >= wide; at += wide) {
        tc_max_cells_int16_wide(cells, size, at, two, (int8_t *)to);
    }
    for (; at < size; at += 4) { /* the last word may overlap the one before */
        tc_max_cells_int16_word(cells, size, size - at < 4 ? size - 4 : at, two, (int8_t *)to);
    }
}

#endif

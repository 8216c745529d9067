/* Sums of each channel of int16 over all positions, kept between calls. */
#ifndef TINYCOMP_CHANNEL_SUMS_INT16_H
#define TINYCOMP_CHANNEL_SUMS_INT16_H

#include "int16.h"
#include "tinycomp.h"

/* Adds rows [first, last) of `width` positions, from zeros on with row 0. */
static inline void tc_channel_sums_int16(const tc_input_t *in, uint16_t first, uint16_t last, uint16_t width,
                                         uint16_t channels, int32_t *sums)
{
    for (uint16_t c = 0; (first == 0) && (c < channels); c++) {
        sums[c] = 0;
    }
    for (uint16_t y = first; y < last; y++) {
        const int16_t *cell = tc_input_row_int16(in, y);
        for (uint16_t x = 0; x < width; x++, cell += channels) {
            for (uint16_t c = 0; c < channels; c++) {
                sums[c] += cell[c];
            }
        }
    }
}

#endif

/* Sums of each channel of int16 over all positions, kept between calls. */
#ifndef TINYCOMP_CHANNEL_SUMS_INT16_H
#define TINYCOMP_CHANNEL_SUMS_INT16_H

#include "int16.h"
#include "tinycomp.h"

/* Adds `width` cells of four of `channels` channels, whose sums stay in registers. */
static inline void tc_channel_sums_int16_four(const int16_t *cell, uint16_t width, size_t channels, int32_t *sums)
{
    int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
    for (; width > 0; width--, cell += channels) {
        s0 += cell[0];
        s1 += cell[1];
        s2 += cell[2];
        s3 += cell[3];
    }
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
}

/* Adds rows [first, last) of `width` positions, from zeros on with row 0. */
static inline void tc_channel_sums_int16(const tc_input_t *in, uint16_t first, uint16_t last, uint16_t width,
                                         uint16_t channels, int32_t *sums)
{
    for (uint16_t c = 0; (first == 0) && (c < channels); c++) {
        sums[c] = 0;
    }
    for (uint16_t y = first; y < last; y++) {
        const int16_t *const row = tc_input_row_int16(in, y);
        const size_t whole = channels - channels % 4u;
        for (size_t c = 0; c < whole; c += 4) {
            tc_channel_sums_int16_four(row + c, width, channels, sums + c);
        }
        for (size_t c = whole; c < channels; c++) {
            for (uint16_t x = 0; x < width; x++) {
                sums[c] += row[(size_t)x * channels + c];
            }
        }
    }
}

#endif

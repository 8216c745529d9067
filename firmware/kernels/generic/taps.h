/* Weighted sums over the cells of a window, per channel, in portable C: the reference that taps.h of every other
 * instruction set must match.
 *
 * For each of `count` cells, `step` bytes apart, tc_taps adds the products of the cell's channels with their weights to
 * sums[0..channels), 1 to TC_DOT_CHANNELS of them. Weights are stored cell by cell, always TC_DOT_CHANNELS per cell. */
#ifndef TINYCOMP_TAPS_H
#define TINYCOMP_TAPS_H

#include "dot.h"
#include "tinycomp.h"

static inline void tc_taps(int32_t *sums, unsigned channels, const int8_t *x, size_t step, const int8_t *weights,
                           unsigned count)
{
    const int8_t *const end = weights + (size_t)count * TC_DOT_CHANNELS;
    if (channels == 4) {
        int32_t s0 = sums[0], s1 = sums[1], s2 = sums[2], s3 = sums[3];
        while (weights != end) {
            s0 += (int32_t)x[0] * weights[0];
            s1 += (int32_t)x[1] * weights[1];
            s2 += (int32_t)x[2] * weights[2];
            s3 += (int32_t)x[3] * weights[3];
            x += step;
            weights += 4;
        }
        sums[0] = s0;
        sums[1] = s1;
        sums[2] = s2;
        sums[3] = s3;
        return;
    }
    for (; weights != end; weights += TC_DOT_CHANNELS, x += step) {
        for (unsigned c = 0; c < channels; c++) {
            sums[c] += (int32_t)x[c] * weights[c];
        }
    }
}

#endif

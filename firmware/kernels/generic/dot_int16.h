/* Dot products of int16 activations in portable C: the reference that dot_int16.h of every other instruction set must
 * match.
 *
 * tc_dot_int16 adds the dot products of `length` activations with each of `channels` (1 to TC_DOT_INT16_CHANNELS) weight
 * vectors, `stride` bytes apart, to sums[0..channels). Parts of TC_DOT_INT16_PART products fit in 32 bits, whatever
 * the values are. */
#ifndef TINYCOMP_DOT_INT16_H
#define TINYCOMP_DOT_INT16_H

#include "tinycomp.h"

#define TC_DOT_INT16_CHANNELS 4
#define TC_DOT_INT16_PART 508u

static inline void tc_dot_int16(int64_t *sums, unsigned channels, const int16_t *x, const int8_t *weights,
                                size_t stride, size_t length)
{
    while (length > 0) {
        const size_t part = length < TC_DOT_INT16_PART ? length : TC_DOT_INT16_PART;
        for (unsigned c = 0; c < channels; c++) {
            const int8_t *w = weights + c * stride;
            int32_t sum = 0;
            for (size_t i = 0; i < part; i++) {
                sum += (int32_t)x[i] * w[i];
            }
            sums[c] += sum;
        }
        x += part;
        weights += part;
        length -= part;
    }
}

#endif

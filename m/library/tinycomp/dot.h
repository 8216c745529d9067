/* Dot products in portable C: the reference that dot.h of every other instruction set must match.
 *
 * tc_dot adds the dot products of `length` activations with each of `channels` (1 to TC_DOT_CHANNELS) weight vectors,
 * `stride` bytes apart, to accumulators[0..channels). */
#ifndef TINYCOMP_DOT_H
#define TINYCOMP_DOT_H

#include "tinycomp.h"

#define TC_DOT_CHANNELS 4

static inline void tc_dot(int32_t *accumulators, unsigned channels, const int8_t *x, const int8_t *weights,
                          size_t stride, size_t length)
{
    if (channels == 4) { /* one load of x serves four products */
        const int8_t *w0 = weights;
        const int8_t *w1 = w0 + stride;
        const int8_t *w2 = w1 + stride;
        const int8_t *w3 = w2 + stride;
        int32_t a0 = accumulators[0], a1 = accumulators[1], a2 = accumulators[2], a3 = accumulators[3];
        const int8_t *const end = x + length;
        while (x != end) {
            const int32_t value = *x++;
            a0 += value * *w0++;
            a1 += value * *w1++;
            a2 += value * *w2++;
            a3 += value * *w3++;
        }
        accumulators[0] = a0;
        accumulators[1] = a1;
        accumulators[2] = a2;
        accumulators[3] = a3;
        return;
    }
    for (unsigned c = 0; c < channels; c++) {
        int32_t sum = accumulators[c];
        for (size_t i = 0; i < length; i++) {
            sum += (int32_t)x[i] * weights[c * stride + i];
        }
        accumulators[c] = sum;
    }
}

#endif

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

/* One channel, or, where stride is not 0, two that share each activation. */
static inline void tc_dot_int16_part(int64_t *sums, const int16_t *x, const int8_t *w, size_t stride, size_t count)
{
    const int16_t *const end = x + count;
    int32_t sum = 0, other = 0;
    if (stride == 0) {
        while (x != end) {
            sum += (int32_t)*x++ * *w++;
        }
    } else {
        for (; x != end; w++) {
            const int32_t value = *x++;
            sum += value * w[0];
            other += value * w[stride];
        }
        sums[1] += other;
    }
    sums[0] += sum;
}

static inline void tc_dot_int16(int64_t *sums, unsigned channels, const int16_t *x, const int8_t *weights,
                                size_t stride, size_t length)
{
    while (length > 0) {
        const size_t part = length < TC_DOT_INT16_PART ? length : TC_DOT_INT16_PART;
        unsigned c = 0;
        for (; c + 2 <= channels; c += 2) {
            tc_dot_int16_part(sums + c, x, weights + c * stride, stride, part);
        }
        if (c < channels) {
            tc_dot_int16_part(sums + c, x, weights + c * stride, 0, part);
        }
        x += part;
        weights += part;
        length -= part;
    }
}

#endif

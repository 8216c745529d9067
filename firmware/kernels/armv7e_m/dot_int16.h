/* Dot products of int16 activations on Armv7E-M, two products an instruction; see generic/dot_int16.h for the function.
 * Activations are loaded in pairs, and paired anew (0 with 2, 1 with 3) to match bytes of weights that are extended two
 * at a time. */
#ifndef TINYCOMP_DOT_INT16_H
#define TINYCOMP_DOT_INT16_H

#include "dsp.h"
#include "tinycomp.h"

#define TC_DOT_INT16_CHANNELS 4
#define TC_DOT_INT16_PART 508u /* whole words of weights */

static inline uint32_t tc_dot_int16_word(uint32_t even, uint32_t odd, const int8_t *weights, uint32_t sum)
{
    const uint32_t w = tc_load_word(weights);
    return tc_smlad(odd, tc_sxtb16_odd(w), tc_smlad(even, tc_sxtb16(w), sum));
}

/* The products of `words` groups of four activations with one channel's weights. */
static inline int32_t tc_dot_int16_one(const int16_t *x, const int8_t *w, size_t words)
{
    uint32_t sum = 0;
    for (; words > 0; words--, x += 4, w += 4) {
        const uint32_t a = tc_load_word((const int8_t *)x), b = tc_load_word((const int8_t *)(x + 2));
        sum = tc_dot_int16_word(tc_pack_low(a, b), tc_pack_high(a, b), w, sum);
    }
    return (int32_t)sum;
}

/* The same for four channels. */
static inline void tc_dot_int16_four(int64_t *sums, const int16_t *x, const int8_t *w, size_t stride, size_t words)
{
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    const int8_t *const w2 = w + 2 * stride;
    const int16_t *const end = x + 4 * words;
    for (size_t i = 0; x != end; x += 4, i += 4) {
        const uint32_t a = tc_load_word((const int8_t *)x), b = tc_load_word((const int8_t *)(x + 2));
        const uint32_t even = tc_pack_low(a, b), odd = tc_pack_high(a, b);
        s0 = tc_dot_int16_word(even, odd, w + i, s0);
        s1 = tc_dot_int16_word(even, odd, w + stride + i, s1);
        s2 = tc_dot_int16_word(even, odd, w2 + i, s2);
        s3 = tc_dot_int16_word(even, odd, w2 + stride + i, s3);
    }
    sums[0] += (int32_t)s0;
    sums[1] += (int32_t)s1;
    sums[2] += (int32_t)s2;
    sums[3] += (int32_t)s3;
}

static inline void tc_dot_int16(int64_t *sums, unsigned channels, const int16_t *x, const int8_t *weights,
                                size_t stride, size_t length)
{
    const size_t rest = length % 4;
    const int16_t *const last = x + (length - rest);
    const int8_t *const last_weights = weights + (length - rest);
    for (size_t left = length - rest; left > 0;) {
        const size_t part = left < TC_DOT_INT16_PART ? left : TC_DOT_INT16_PART;
        if (channels == 4) {
            tc_dot_int16_four(sums, x, weights, stride, part / 4);
        } else {
            for (unsigned c = 0; c < channels; c++) {
                sums[c] += tc_dot_int16_one(x, weights + c * stride, part / 4);
            }
        }
        x += part;
        weights += part;
        left -= part;
    }
    for (unsigned c = 0; rest > 0 && c < channels; c++) {
        int32_t sum = 0;
        for (size_t i = 0; i < rest; i++) {
            sum += (int32_t)last[i] * last_weights[c * stride + i];
        }
        sums[c] += sum;
    }
}

#endif

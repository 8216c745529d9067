/* Dot products on Armv7E-M, two products an instruction; see generic/dot.h for the function. */
#ifndef TINYCOMP_DOT_H
#define TINYCOMP_DOT_H

#include "dsp.h"
#include "tinycomp.h"

#define TC_DOT_CHANNELS 4

/* sum + the products of four weights with activations that are spread to pairs. */
static inline uint32_t tc_dot_word(uint32_t weights, uint32_t even, uint32_t odd, uint32_t sum)
{
    return tc_smlad(tc_sxtb16_odd(weights), odd, tc_smlad(tc_sxtb16(weights), even, sum));
}

/* Four channels, and a multiple of four activations, at least four. */
static inline void tc_dot_fours(int32_t *sums, const int8_t *x, const int8_t *w0, size_t stride, size_t length)
{
    const int8_t *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    uint32_t a0 = (uint32_t)sums[0], a1 = (uint32_t)sums[1], a2 = (uint32_t)sums[2], a3 = (uint32_t)sums[3];
    for (const int8_t *const end = x + length; x != end; x += 4, w0 += 4, w1 += 4, w2 += 4, w3 += 4) {
        const uint32_t four = tc_load_word(x), even = tc_sxtb16(four), odd = tc_sxtb16_odd(four);
        a0 = tc_dot_word(tc_load_word(w0), even, odd, a0);
        a1 = tc_dot_word(tc_load_word(w1), even, odd, a1);
        a2 = tc_dot_word(tc_load_word(w2), even, odd, a2);
        a3 = tc_dot_word(tc_load_word(w3), even, odd, a3);
    }
    sums[0] = (int32_t)a0;
    sums[1] = (int32_t)a1;
    sums[2] = (int32_t)a2;
    sums[3] = (int32_t)a3;
}

static inline void tc_dot(int32_t *accumulators, unsigned channels, const int8_t *x, const int8_t *weights,
                          size_t stride, size_t length)
{
    const size_t fours = channels == TC_DOT_CHANNELS ? length / 4 * 4 : 0;
    if (fours != 0) {
        tc_dot_fours(accumulators, x, weights, stride, fours);
    }
    for (unsigned c = 0; c < channels; c++) {
        int32_t sum = accumulators[c];
        for (size_t i = fours; i < length; i++) {
            sum += (int32_t)x[i] * weights[c * stride + i];
        }
        accumulators[c] = sum;
    }
}

#endif

/* FULLY_CONNECTED on int16, on Armv7E-M: four outputs at a time, two products per SMLAD; sums are scaled as in
 * factor_int16.h. Weight layout: blocks of four outputs (the last may have fewer), in each a word of every output for four
 * inputs, and so on. The bytes of a word are ordered as in gemm_int16.h, so that activations are multiplied as they lie
 * in memory. */
#ifndef TINYCOMP_FULLY_CONNECTED_INT16_DSP_H
#define TINYCOMP_FULLY_CONNECTED_INT16_DSP_H

#include "factor_int16.h"

#define TC_DENSE_INT16_BLOCK 4u

typedef struct {
    uint16_t block; /* outputs whose weights are decoded at a time, by fours; or all */
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *rows; /* of each output; see factor_int16.h */
} tc_fully_connected_int16_dsp_t;

/* The products of four activations with a word of weights. */
static inline uint32_t tc_dense_int16_word(const int8_t *w, uint32_t first, uint32_t second, uint32_t sum)
{
    const uint32_t four = tc_load_word(w);
    return tc_smlad(tc_sxtb16_odd(four), second, tc_smlad(tc_sxtb16(four), first, sum));
}

/* The sum of one of `outputs` outputs. */
static __attribute__((noinline)) uint32_t tc_dense_int16_one(const int8_t *w, unsigned outputs, const int8_t *x,
                                                             const int8_t *end, uint32_t sum)
{
    for (; x != end; x += 8, w += 4 * outputs) {
        sum = tc_dense_int16_word(w, tc_load_word(x), tc_load_word(x + 4), sum);
    }
    return sum;
}

/* The sums of four outputs, which start at the first words of `row`. */
static inline void tc_dense_int16_four(uint32_t *sums, const int32_t *row, const int8_t *w, const int8_t *x,
                                       const int8_t *end)
{
    uint32_t a = (uint32_t)row[0], b = (uint32_t)row[TC_FACTOR_INT16_WORDS];
    uint32_t c = (uint32_t)row[2 * TC_FACTOR_INT16_WORDS], d = (uint32_t)row[3 * TC_FACTOR_INT16_WORDS];
    for (; x != end; x += 8, w += 16) {
        const uint32_t first = tc_load_word(x), second = tc_load_word(x + 4);
        a = tc_dense_int16_word(w, first, second, a);
        b = tc_dense_int16_word(w + 4, first, second, b);
        c = tc_dense_int16_word(w + 8, first, second, c);
        d = tc_dense_int16_word(w + 12, first, second, d);
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

/* Outputs [first, last) of the vector from x to `end`; `first` is a multiple of four. */
static inline void tc_dense_int16_outputs(const tc_fully_connected_int16_dsp_t *op, unsigned first, unsigned last,
                                          const int8_t *w, const int8_t *x, const int8_t *end, int16_t *to)
{
    const int32_t *row = op->rows + (size_t)TC_FACTOR_INT16_WORDS * first;
    uint32_t sums[TC_DENSE_INT16_BLOCK];
    for (unsigned outputs; first < last; first += outputs, w += outputs * (size_t)(end - x) / 2) {
        outputs = (last - first < TC_DENSE_INT16_BLOCK) ? last - first : TC_DENSE_INT16_BLOCK;
        if (outputs == TC_DENSE_INT16_BLOCK) {
            tc_dense_int16_four(sums, row, w, x, end);
        }
        for (unsigned i = 0; i < outputs; i++, row += TC_FACTOR_INT16_WORDS) {
            if (outputs < TC_DENSE_INT16_BLOCK) {
                sums[i] = tc_dense_int16_one(w + 4 * (size_t)i, outputs, x, end, (uint32_t)row[0]);
            }
            to[first + i] = tc_clamp_int16(tc_factor_int16(row, sums[i]), op->activation_min, op->activation_max);
        }
    }
}

/* The vector, padded with zeros to a multiple of four: copied to `filled` if it isn't one, else in place. */
static inline const int8_t *tc_dense_int16_input(const int16_t *from, size_t size, int16_t *filled)
{
    if (size % 4 == 0) {
        return (const int8_t *)from;
    }
    tc_copy(filled, from, 2 * size);
    for (; size % 4 != 0; size++) {
        filled[size] = 0;
    }
    return (const int8_t *)filled;
}

/* Output rows [first, last). Scratch: a vector padded to a multiple of four, if it isn't one; if weights are decoded, a
 * block of them. */
static void tc_fully_connected_int16_dsp(const tc_fully_connected_int16_dsp_t *op, const tc_input_t *in,
                                         const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t whole = (op->input_size + 3u) / 4u * 4u;
    int8_t *const buffer = scratch + (op->input_size % 4u == 0 ? 0 : 2 * whole);
    unsigned outputs;
    for (unsigned c = 0; c < op->output_size; c += outputs) {
        const unsigned left = op->output_size - c;
        const int8_t *weights;
        outputs = (left < op->block) ? left : op->block;
        weights = tc_weights_read(op->weights, c * whole, outputs * whole, buffer);
        for (uint16_t y = first; y < last; y++) {
            const int16_t *from = tc_input_row_int16(in, y);
            int16_t *to = tc_output_row_int16(out, y);
            for (uint16_t x = 0; x < op->width; x++, from += op->input_size, to += op->output_size) {
                const int8_t *const vector = tc_dense_int16_input(from, op->input_size, (int16_t *)(void *)scratch);
                tc_dense_int16_outputs(op, c, c + outputs, weights, vector, vector + 2 * whole, to);
            }
        }
    }
}

#endif

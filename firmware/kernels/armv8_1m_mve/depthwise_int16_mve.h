/* DEPTHWISE_CONV_2D of int16 on Armv8.1-M with MVE, any window: eight channels of two pixels at a time, cell by
 * cell, 15 instructions for 16 products.
 *
 * Weights are stored in blocks of eight channels (the last block is the last eight), and in a block cell by cell. Sums fit
 * in 32 bits; the high word of a sum's product with its multiplier is the output. */
#ifndef TINYCOMP_DEPTHWISE_INT16_MVE_H
#define TINYCOMP_DEPTHWISE_INT16_MVE_H

#include "depthwise_cells_int16.h"
#include "int16.h"
#include "mve.h"

#define TC_DEPTHWISE_INT16_BLOCK 8u
#define TC_DEPTHWISE_INT16_PIXELS 2

typedef struct {
    uint16_t input_height, input_width, channels; /* at least eight */
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each block: what sums of even channels start at, of odd ones; multipliers likewise */
} tc_depthwise_int16_mve_t;

/* The cells of two windows, channel 0, and the bounds of the output. */
typedef struct {
    const tc_address_t *cells;
    size_t count;
    int32_t low, high;
} tc_depthwise_int16_pair_t;

#if TC_MVE

/* Eight channels of both pixels from `channel` on. q2 and q3 are the sums of the first, q4 and q5 of the second. */
static inline void tc_depthwise_int16_block(const tc_depthwise_int16_pair_t *pair, size_t channel,
                                            const int8_t *weights, const int32_t *factors, int16_t *const *outs)
{
    const size_t offset = 2 * channel;
    int16_t *const first = outs[0] + channel, *const second = outs[1] + channel;
    const tc_address_t *cells;
    uint32_t a, b;
    __asm__ volatile(
        "ldrd %[cells], lr, [%[pair]]\n\tvldrw.32 q2, [%[factors]], #16\n\t"
        "vldrw.32 q3, [%[factors]], #16\n\tvmov q4, q2\n\tvmov q5, q3\n\twls lr, lr, 2f\n1:\n\t"
        "ldrd %[a], %[b], [%[cells]], #8\n\tvldrb.s16 q1, [%[weights]], #8\n\t"
        "add %[a], %[a], %[offset]\n\tadd %[b], %[b], %[offset]\n\t"
        "vldrh.16 q0, [%[a]]\n\tvmullb.s16 q6, q0, q1\n\tvadd.i32 q2, q2, q6\n\t"
        "vmullt.s16 q6, q0, q1\n\tvadd.i32 q3, q3, q6\n\t"
        "vldrh.16 q0, [%[b]]\n\tvmullb.s16 q6, q0, q1\n\tvadd.i32 q4, q4, q6\n\t"
        "vmullt.s16 q6, q0, q1\n\tvadd.i32 q5, q5, q6\n\tle lr, 1b\n2:\n\t"
        "ldrd %[a], %[b], [%[pair], #8]\n\tvldrw.32 q0, [%[factors]], #16\n\t"
        "vldrw.32 q1, [%[factors]]\n\tvrmulh.s32 q2, q2, q0\n\tvrmulh.s32 q3, q3, q1\n\t"
        "vrmulh.s32 q4, q4, q0\n\tvrmulh.s32 q5, q5, q1\n\tvqmovnb.s32 q0, q2\n\tvqmovnt.s32 q0, q3\n\t"
        "vqmovnb.s32 q1, q4\n\tvqmovnt.s32 q1, q5\n\tvdup.16 q2, %[a]\n\tvdup.16 q3, %[b]\n\t"
        "vmax.s16 q0, q0, q2\n\tvmax.s16 q1, q1, q2\n\tvmin.s16 q0, q0, q3\n\tvmin.s16 q1, q1, q3\n\t"
        "vstrh.16 q1, [%[second]]\n\tvstrh.16 q0, [%[first]]\n\t"
        : [cells] "=&r"(cells), [weights] "+&l"(weights), [factors] "+&r"(factors), [a] "=&r"(a), [b] "=&r"(b)
        : [pair] "r"(pair), [offset] "r"(offset), [first] "r"(first), [second] "r"(second)
        : "lr", "q0", "q1", "q2", "q3", "q4", "q5", "q6", "cc", "memory");
}

#else

static inline void tc_depthwise_int16_block(const tc_depthwise_int16_pair_t *pair, size_t channel,
                                            const int8_t *weights, const int32_t *factors, int16_t *const *outs)
{
    for (unsigned i = 0; i < TC_DEPTHWISE_INT16_PIXELS * TC_DEPTHWISE_INT16_BLOCK; i++) {
        const unsigned place = i / TC_DEPTHWISE_INT16_PIXELS, lane = place % 2 * 4 + place / 2;
        const tc_address_t *cells = pair->cells + i % TC_DEPTHWISE_INT16_PIXELS;
        int32_t sum = factors[lane];
        for (size_t k = 0; k < pair->count; k++, cells += TC_DEPTHWISE_INT16_PIXELS) {
            const int16_t *const x = (const int16_t *)(const void *)tc_address_pointer(*cells);
            sum += x[channel + place] * weights[TC_DEPTHWISE_INT16_BLOCK * k + place];
        }
        sum = (int32_t)(((int64_t)sum * factors[8 + lane] + INT64_C(2147483648)) >> 32);
        outs[i % TC_DEPTHWISE_INT16_PIXELS][channel + place] = tc_clamp_int16(sum, pair->low, pair->high);
    }
}

#endif

/* All channels of a pair of pixels. */
static inline void tc_depthwise_int16_channels(const tc_depthwise_int16_mve_t *op,
                                               const tc_depthwise_int16_pair_t *pair, const int8_t *weights,
                                               int16_t *const *outs)
{
    const size_t channels = op->channels, most = channels - TC_DEPTHWISE_INT16_BLOCK;
    const int32_t *factors = op->factors;
    for (size_t c = 0; c < channels; c += TC_DEPTHWISE_INT16_BLOCK) {
        tc_depthwise_int16_block(pair, c < most ? c : most, weights, factors, outs);
        weights += TC_DEPTHWISE_INT16_BLOCK * pair->count;
        factors += 2 * TC_DEPTHWISE_INT16_BLOCK;
    }
}

/* Output rows [first, last). Scratch: two addresses (at most eight bytes each) per window cell; one cell. */
static void tc_depthwise_int16_mve(const tc_depthwise_int16_mve_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t count = (size_t)op->kernel_height * op->kernel_width, channels = op->channels;
    const int8_t *const weights = tc_weights_read(op->weights, 0, 0, NULL);
    tc_address_t *const cells = (tc_address_t *)(void *)scratch;
    int8_t *const border = scratch + count * TC_DEPTHWISE_INT16_PIXELS * 8;
    const tc_depthwise_int16_pair_t pair = {cells, count, op->activation_min, op->activation_max};
    const tc_windows_int16_t windows = {op->input_height, op->input_width,     op->channels,      op->kernel_height,
                                        op->kernel_width, op->dilation_height, op->dilation_width};
    tc_mve_fill(border, 0, 2 * channels);
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        int32_t left = -(int32_t)op->padding_left;
        int16_t *to = tc_output_row_int16(out, y);
        for (unsigned x = 0; x < op->output_width; x += TC_DEPTHWISE_INT16_PIXELS) {
            const unsigned second = x + 1 < op->output_width ? 1 : 0; /* else the first twice */
            int16_t *const outs[TC_DEPTHWISE_INT16_PIXELS] = {to, to + second * channels};
            tc_depthwise_int16_cells(&windows, in, top, left, border, cells, TC_DEPTHWISE_INT16_PIXELS);
            tc_depthwise_int16_cells(&windows, in, top, left + (int32_t)second * op->stride_width, border, cells + 1,
                                     TC_DEPTHWISE_INT16_PIXELS);
            tc_depthwise_int16_channels(op, &pair, weights, outs);
            left += TC_DEPTHWISE_INT16_PIXELS * op->stride_width;
            to += TC_DEPTHWISE_INT16_PIXELS * channels;
        }
    }
}

#endif

/* DEPTHWISE_CONV_2D of int16 on Armv7E-M, any window: four channels of a pixel at a time, cell by cell.
 *
 * Weights are stored in blocks of four channels (the last block is the last four), and in a block cell by cell, in the
 * order 0 2 1 3, so that SXTB16 extracts neighbours. */
#ifndef TINYCOMP_DEPTHWISE_INT16_DSP_H
#define TINYCOMP_DEPTHWISE_INT16_DSP_H

#include "depthwise_cells_int16.h"
#include "factors.h"
#include "rounding_int16.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_INT16_BLOCK 4

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    const void *factors; /* per channel: initial value of the sums, multiplier; see rounding_int16.h */
} tc_depthwise_int16_dsp_t;

/* sum + the product of the lower halves; of the upper ones. */
static inline uint32_t tc_smlabb(uint32_t a, uint32_t b, uint32_t sum)
{
#if TC_DSP
    uint32_t y;
    __asm__("smlabb %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
#else
    return sum + (uint32_t)((int16_t)a * (int16_t)b);
#endif
}

static inline uint32_t tc_smlatt(uint32_t a, uint32_t b, uint32_t sum)
{
#if TC_DSP
    uint32_t y;
    __asm__("smlatt %0, %1, %2, %3" : "=r"(y) : "r"(a), "r"(b), "r"(sum));
    return y;
#else
    return tc_smlabb(a >> 16, b >> 16, sum);
#endif
}

/* Four channels of a pixel, from `channel` on. */
static __attribute__((noinline)) void tc_depthwise_int16_block(const tc_address_t *cell, size_t count,
                                                               const int8_t *weights, const int32_t *factors,
                                                               size_t channel, int rectified, int16_t *out)
{
    const size_t offset = 2 * channel;
    const int8_t *const end = weights + TC_DEPTHWISE_INT16_BLOCK * count;
    uint32_t s0, s1, s2, s3;
    factors += 2 * channel;
    s0 = (uint32_t)factors[0];
    s1 = (uint32_t)factors[2];
    s2 = (uint32_t)factors[4];
    s3 = (uint32_t)factors[6];
    for (; weights != end; cell++, weights += TC_DEPTHWISE_INT16_BLOCK) {
        const int8_t *const x = tc_address_pointer(*cell) + offset;
        const uint32_t word = tc_load_word(weights), v = tc_sxtb16(word), w = tc_sxtb16_odd(word);
        const uint32_t a = tc_load_word(x), b = tc_load_word(x + 4);
        s0 = tc_smlabb(a, v, s0);
        s1 = tc_smlatt(a, v, s1);
        s2 = tc_smlabb(b, w, s2);
        s3 = tc_smlatt(b, w, s3);
    }
    out += channel;
    out[0] = tc_round_int16((int32_t)s0, factors[1], rectified);
    out[1] = tc_round_int16((int32_t)s1, factors[3], rectified);
    out[2] = tc_round_int16((int32_t)s2, factors[5], rectified);
    out[3] = tc_round_int16((int32_t)s3, factors[7], rectified);
}

/* Output rows [first, last); at least four channels. Scratch: if factors are packed, all of them; an address (at most eight
 * bytes) per window cell; one cell. */
static void tc_depthwise_int16_dsp(const tc_depthwise_int16_dsp_t *op, const tc_input_t *in, const tc_output_t *out,
                                   uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t count = (size_t)op->kernel_height * op->kernel_width, channels = op->channels;
    const tc_windows_int16_t windows = {op->input_height, op->input_width,     op->channels,      op->kernel_height,
                                        op->kernel_width, op->dilation_height, op->dilation_width};
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, channels, scratch);
    int8_t *const rest = scratch + tc_factors_room(op->packed, channels);
    tc_address_t *const cells = (tc_address_t *)(void *)rest;
    int8_t *const border = rest + 8 * count;
    for (size_t c = 0; c < channels; c++) {
        ((int16_t *)(void *)border)[c] = 0;
    }
    for (uint16_t y = first; y < last; y++) {
        const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
        int32_t left = -(int32_t)op->padding_left;
        int16_t *to = tc_output_row_int16(out, y);
        for (uint16_t x = 0; x < op->output_width; x++, left += op->stride_width, to += channels) {
            const int8_t *weights = tc_weights_read(op->weights, 0, 0, NULL);
            tc_depthwise_int16_cells(&windows, in, top, left, border, cells, 1);
            for (size_t c = 0; c < channels; c += TC_DEPTHWISE_INT16_BLOCK) {
                const size_t most = channels - TC_DEPTHWISE_INT16_BLOCK;
                tc_depthwise_int16_block(cells, count, weights, factors, c < most ? c : most, op->activation_min >= 0,
                                         to);
                weights += TC_DEPTHWISE_INT16_BLOCK * count;
            }
        }
    }
    if ((op->activation_min != 0 && op->activation_min != -32768) || op->activation_max != 32767) {
        for (uint16_t y = first; y < last; y++) {
            tc_clamp_row_int16(tc_output_row_int16(out, y), op->output_width * channels, op->activation_min,
                               op->activation_max);
        }
    }
}

#endif

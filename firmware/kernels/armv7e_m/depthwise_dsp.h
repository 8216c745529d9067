/* DEPTHWISE_CONV_2D on Armv7E-M, any window: four channels at a time, two window cells per SMLAD.
 *
 * Weights are stored in blocks of four channels (the last block is the last four), and in a block by pairs of cells a
 * and b, eight bytes: a0 a1 b0 b1, a2 a3 b2 b3, so that SXTB16 extracts both weights of a channel. A window with an odd
 * number of cells is padded with a cell of zero weights. */
#ifndef TINYCOMP_DEPTHWISE_DSP_H
#define TINYCOMP_DEPTHWISE_DSP_H

#include "address.h"
#include "depthwise_rounding.h"
#include "dsp.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_BLOCK 4

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point;
    int8_t activation_min, activation_max;
    uint8_t packed; /* see factors.h */
    const tc_weights_t *weights;
    int32_t rounding;
    const void *factors; /* per channel: initial value of the sums, multiplier; see rounding.h */
} tc_depthwise_dsp_t;

/* Finds the addresses of the cells (channel 0) of the window at (top, left); `border` for those outside the input. */
static tc_address_t *tc_depthwise_cells(const tc_depthwise_dsp_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                        const int8_t *border, tc_address_t *cells)
{
    const int32_t step = op->dilation_width * op->channels;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : border;
        int32_t x = left, offset = left * op->channels;
        for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width, offset += step) {
            *cells++ = tc_address_of(inside && x >= 0 && x < op->input_width ? row + offset : border);
        }
    }
    return cells;
}

/* Four channels of an output, from `channel` on. */
static void tc_depthwise_block(const tc_depthwise_dsp_t *op, const tc_address_t *cell, const tc_address_t *end,
                               const int8_t *weights, const int32_t *factors, size_t channel, int8_t *to)
{
    factors += 2 * channel;
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (; cell != end; cell += 2, weights += 8) {
        const uint32_t a = tc_load_word(tc_address_pointer(cell[0]) + channel);
        const uint32_t b = tc_load_word(tc_address_pointer(cell[1]) + channel);
        const uint32_t low = tc_pack_low(a, b), high = tc_pack_high(a, b);
        const uint32_t v = tc_load_word(weights), w = tc_load_word(weights + 4);
        s0 = tc_smlad(tc_sxtb16(low), tc_sxtb16(v), s0);
        s1 = tc_smlad(tc_sxtb16_odd(low), tc_sxtb16_odd(v), s1);
        s2 = tc_smlad(tc_sxtb16(high), tc_sxtb16(w), s2);
        s3 = tc_smlad(tc_sxtb16_odd(high), tc_sxtb16_odd(w), s3);
    }
    to[0] = tc_depthwise_requantize(factors, op->rounding, (s0 << 8) + (uint32_t)factors[0]);
    to[1] = tc_depthwise_requantize(factors + 2, op->rounding, (s1 << 8) + (uint32_t)factors[2]);
    to[2] = tc_depthwise_requantize(factors + 4, op->rounding, (s2 << 8) + (uint32_t)factors[4]);
    to[3] = tc_depthwise_requantize(factors + 6, op->rounding, (s3 << 8) + (uint32_t)factors[6]);
}

/* Output rows [first, last); at least four channels. Scratch: if factors are packed, all of them; an address (at most
 * eight bytes) per window cell, rounded up to an even number of cells; one cell. */
static void tc_depthwise_dsp(const tc_depthwise_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch)
{
    const unsigned count = (unsigned)op->kernel_height * op->kernel_width;
    const int32_t *const factors = tc_factors(op->factors, op->packed, 0, op->channels, scratch);
    int8_t *const rest = scratch + tc_factors_room(op->packed, op->channels);
    tc_address_t *const cells = (tc_address_t *)(void *)rest;
    int8_t *const border = rest + (count + count % 2) * 8;
    memset(border, op->input_zero_point, op->channels);
    for (uint16_t y = first; y < last; y++) {
        int32_t left = -(int32_t)op->padding_left;
        int8_t *to = tc_output_row(out, y);
        for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->channels) {
            const int8_t *weights = tc_weights_read(op->weights, 0, 0, NULL);
            tc_address_t *end = tc_depthwise_cells(op, in, (int32_t)y * op->stride_height - op->padding_top, left,
                                                   border, cells);
            if (count % 2 != 0) {
                *end++ = tc_address_of(border);
            }
            for (size_t c = 0; c < op->channels; c += TC_DEPTHWISE_BLOCK, weights += 4 * (end - cells)) {
                const size_t most = op->channels - TC_DEPTHWISE_BLOCK;
                const size_t channel = c < most ? c : most;
                tc_depthwise_block(op, cells, end, weights, factors, channel, to + channel);
            }
            for (size_t c = 0; c < op->channels && (op->activation_min != -128 || op->activation_max != 127); c++) {
                to[c] = tc_clamp(to[c], op->activation_min, op->activation_max);
            }
        }
    }
}

#endif

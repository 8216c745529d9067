/* DEPTHWISE_CONV_2D: int8, one weight scale per channel. Weight layout: (channel, kernel row, kernel column).
 *
 * For each block of channels the weights are read once, interleaved, and used for all rows of the call. Window cells
 * beyond a border are read from one cell of zero points, so that the input zero point can be folded into the bias at
 * build time. */
#ifndef TINYCOMP_DEPTHWISE_CONV_2D_H
#define TINYCOMP_DEPTHWISE_CONV_2D_H

#include "block.h"
#include "dot.h"
#include "taps.h"
#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, channel_multiplier; /* output channels per input channel */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: biases with the input zero point folded in, multipliers, shifts */
} tc_depthwise_conv_2d_t;

/* Interleaves a block's weights: cell by cell, TC_DOT_CHANNELS per cell. */
static void tc_depthwise_interleave(const int8_t *weights, unsigned channels, size_t cells, int8_t *to)
{
    for (unsigned c = 0; c < channels; c++) {
        int8_t *place = to + c;
        for (size_t cell = cells; cell > 0; cell--, place += TC_DOT_CHANNELS) {
            *place = *weights++;
        }
    }
}

/* Copies a block's channels of one cell; four channels are one word. */
static inline void tc_depthwise_copy(int8_t *to, const int8_t *from, unsigned channels)
{
    if (channels == TC_DOT_CHANNELS) {
        tc_copy(to, from, TC_DOT_CHANNELS);
    } else {
        tc_copy(to, from, channels);
    }
}

/* Copies a window that overlaps a border, cell by cell, for a block of channels; `channel` is the block's first input
 * channel. */
static void tc_depthwise_gather(const tc_depthwise_conv_2d_t *op, const tc_input_t *in, int32_t top, int32_t left,
                                unsigned channel, unsigned channels, int8_t *window)
{
    const size_t step = (size_t)op->dilation_width * op->input_channels;
    const tc_span_t span = tc_span(left, op->input_width, op->kernel_width, op->dilation_width);
    const size_t offset = (size_t)(left + (int32_t)span.begin * op->dilation_width) * op->input_channels + channel;
    int8_t border[TC_DOT_CHANNELS];
    int32_t y = top;
    tc_fill(border, op->input_zero_point, sizeof border);
    for (unsigned ky = op->kernel_height; ky > 0; ky--, y += op->dilation_height) {
        const int inside = y >= 0 && y < op->input_height && span.begin < span.end;
        const int8_t *from = inside ? tc_input_row(in, (uint16_t)y) + offset : border;
        for (unsigned kx = 0; kx < op->kernel_width; kx++, window += TC_DOT_CHANNELS) {
            if (inside && kx >= span.begin && kx < span.end) {
                tc_depthwise_copy(window, from, channels);
                from += step;
            } else {
                tc_depthwise_copy(window, border, channels);
            }
        }
    }
}

/* One output row of a block of channels: `to` is its first byte in that row, `channel` its first input channel. */
static void tc_depthwise_row(const tc_depthwise_conv_2d_t *op, const tc_input_t *in, int32_t top, unsigned channel,
                             unsigned channels, const tc_block_t *block, const int8_t *weights, int8_t *to,
                             int8_t *window)
{
    const size_t output_channels = (size_t)op->input_channels * op->channel_multiplier;
    const unsigned reach_y = (op->kernel_height - 1u) * op->dilation_height;
    const int32_t last_left = (int32_t)op->input_width - (int32_t)(op->kernel_width - 1u) * op->dilation_width;
    const int inside = top >= 0 && top + (int32_t)reach_y < op->input_height;
    const uint16_t first_slot = inside ? tc_slot((uint16_t)top, TC_RING(in)) : 0;
    const int8_t *const row = in->base + first_slot * in->stride + channel;
    const size_t row_step = op->dilation_height * in->stride;
    const size_t ring_size = TC_RING(in) * in->stride;
    /* A window of one column is treated as one row, where its rows don't wrap around the ring. */
    const int column = op->kernel_width == 1 && first_slot + reach_y < TC_RING(in);
    const unsigned runs = column ? 1u : op->kernel_height;
    const unsigned length = column ? op->kernel_height : op->kernel_width;
    const size_t step = column ? row_step : (size_t)op->dilation_width * op->input_channels;
    int32_t left = -(int32_t)op->padding_left;
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += output_channels) {
        int32_t sums[TC_DOT_CHANNELS];
        tc_copy(sums, block->bias, sizeof sums);
        if (inside && left >= 0 && left < last_left) {
            const int8_t *from = row + (size_t)left * op->input_channels;
            const int8_t *w = weights;
            unsigned slot = first_slot;
            for (unsigned run = runs; run > 0; run--) {
                tc_taps(sums, channels, from, step, w, length);
                from += row_step;
                w += length * TC_DOT_CHANNELS;
                slot += op->dilation_height;
                if (slot >= TC_RING(in)) {
                    slot -= TC_RING(in);
                    from -= ring_size;
                }
            }
        } else {
            tc_depthwise_gather(op, in, top, left, channel, channels, window);
            tc_taps(sums, channels, window, TC_DOT_CHANNELS, weights, (unsigned)op->kernel_height * op->kernel_width);
        }
        tc_block_store(block, channels, sums, to);
    }
}

/* Output rows [first, last). Scratch: a block's window and a block of interleaved weights, each TC_DOT_CHANNELS bytes a
 * cell, then a block of weights as the codec reads them. */
static void tc_depthwise_conv_2d(const tc_depthwise_conv_2d_t *constants, const tc_input_t *in, const tc_output_t *out,
                                 uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_depthwise_conv_2d_t, op, constants);
    const size_t cells = (size_t)op->kernel_height * op->kernel_width;
    const unsigned output_channels = (unsigned)op->input_channels * op->channel_multiplier;
    /* Channels that share an input channel are computed one by one. */
    const unsigned most = op->channel_multiplier == 1 ? TC_DOT_CHANNELS : 1;
    int8_t *const weights = scratch + cells * TC_DOT_CHANNELS;
    int8_t *const buffer = weights + cells * TC_DOT_CHANNELS;
    unsigned channel = 0; /* input channel, and the outputs computed from it so far */
    unsigned used = 0;
    unsigned channels;
    tc_block_t block;
    block.zero_point = op->output_zero_point;
    block.low = op->activation_min;
    block.high = op->activation_max;
    for (unsigned c = 0; c < output_channels; c += channels) {
        channels = output_channels - c < most ? output_channels - c : most;
        tc_depthwise_interleave(tc_weights_read(op->weights, c * cells, channels * cells, buffer), channels, cells,
                                weights);
        tc_block_load(&block, op->constants, c, channels);
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            tc_depthwise_row(op, in, top, channel, channels, &block, weights, tc_output_row(out, y) + c, scratch);
        }
        used += channels;
        if (used >= op->channel_multiplier) {
            used = 0;
            channel += channels;
        }
    }
}

#endif

/* CONV_2D: int8, one weight scale per output channel. Weight layout: (output channel, kernel row, kernel column, input
 * channel).
 *
 * For each block of output channels the weights are read once and used for all rows of the call. A window inside the
 * input is read in place; one that overlaps a border is gathered into scratch and padded with the zero point, so that
 * the input zero point can be folded into the bias at build time. */
#ifndef TINYCOMP_CONV_2D_H
#define TINYCOMP_CONV_2D_H

#include "block.h"
#include "dot.h"
#include "tinycomp.h"
#include "window.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: biases with the input zero point folded in, multipliers, shifts */
} tc_conv_2d_t;

/* Copies the window at (top, left) row by row; cells beyond a border get the zero point. */
static void tc_conv_2d_gather(const tc_conv_2d_t *op, const tc_input_t *in, int32_t top, int32_t left, int8_t *window)
{
    const size_t channels = op->input_channels;
    const size_t row_size = op->kernel_width * channels;
    const tc_span_t span = tc_span(left, op->input_width, op->kernel_width, op->dilation_width);
    const unsigned runs = op->dilation_width == 1 ? 1u : (unsigned)(span.end - span.begin);
    const size_t length = op->dilation_width == 1 ? (size_t)(span.end - span.begin) * channels : channels;
    int32_t y = top;
    for (unsigned ky = 0; ky < op->kernel_height; ky++, y += op->dilation_height, window += row_size) {
        const int inside = y >= 0 && y < op->input_height && length > 0;
        if (!inside || length * runs < row_size) {
            tc_fill(window, op->input_zero_point, row_size);
        }
        if (inside) {
            const int32_t x = left + (int32_t)span.begin * op->dilation_width;
            const int8_t *from = tc_input_row(in, (uint16_t)y) + (size_t)x * channels;
            int8_t *to = window + span.begin * channels;
            for (unsigned run = 0; run < runs; run++) {
                tc_copy(to, from, length);
                from += op->dilation_width * channels;
                to += channels;
            }
        }
    }
}

/* One output row of a block of channels; `to` is the block's first byte in that row. */
static void tc_conv_2d_row(const tc_conv_2d_t *op, const tc_input_t *in, int32_t top, unsigned channels,
                           const tc_block_t *block, const int8_t *weights, int8_t *to, int8_t *scratch)
{
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const unsigned reach_y = (op->kernel_height - 1u) * op->dilation_height;
    const int32_t last_left = (int32_t)op->input_width - (int32_t)(op->kernel_width - 1u) * op->dilation_width;
    const int inside = top >= 0 && top + (int32_t)reach_y < op->input_height &&
                       tc_rows_are_linear(in, (uint16_t)top, reach_y);
    const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : NULL;
    /* Cells that are contiguous in the input: a row of the window, or one cell where columns are dilated. */
    const unsigned runs = op->dilation_width == 1 ? 1u : op->kernel_width;
    const size_t length = (size_t)op->input_channels * (op->dilation_width == 1 ? op->kernel_width : 1u);
    const size_t step = (size_t)op->dilation_width * op->input_channels;
    const size_t row_step = op->dilation_height * in->stride - runs * step;
    int32_t left = -(int32_t)op->padding_left;
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
        int32_t sums[TC_DOT_CHANNELS];
        tc_copy(sums, block->bias, sizeof sums);
        if (inside && left >= 0 && left < last_left) {
            const int8_t *from = row + (size_t)left * op->input_channels;
            const int8_t *w = weights;
            for (unsigned ky = op->kernel_height; ky > 0; ky--, from += row_step) {
                for (unsigned run = runs; run > 0; run--, from += step, w += length) {
                    tc_dot(sums, channels, from, w, window, length);
                }
            }
        } else {
            tc_conv_2d_gather(op, in, top, left, scratch);
            tc_dot(sums, channels, scratch, weights, window, window);
        }
        tc_block_store(block, channels, sums, to);
    }
}

/* Output rows [first, last). Scratch: one window (kernel height * width * input channels), then a block of weights. */
static void tc_conv_2d(const tc_conv_2d_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_t, op, constants);
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    unsigned channels;
    tc_block_t block;
    block.zero_point = op->output_zero_point;
    block.low = op->activation_min;
    block.high = op->activation_max;
    for (unsigned c = 0; c < op->output_channels; c += channels) {
        const int8_t *weights;
        channels = op->output_channels - c < TC_DOT_CHANNELS ? op->output_channels - c : TC_DOT_CHANNELS;
        weights = tc_weights_read(op->weights, c * window, channels * window, scratch + window);
        tc_block_load(&block, op->constants, c, channels);
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            tc_conv_2d_row(op, in, top, channels, &block, weights, tc_output_row(out, y) + c, scratch);
        }
    }
}

#endif

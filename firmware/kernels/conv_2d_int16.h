/* CONV_2D: int16 activations, int8 weights, one weight scale per output channel. Weight layout: (output channel, kernel
 * row, kernel column, input channel).
 *
 * For each block of output channels the weights are read once and used for all rows of the call. A window inside the
 * input is read in place; one that overlaps a border is gathered into scratch and padded with zeros. */
#ifndef TINYCOMP_CONV_2D_INT16_H
#define TINYCOMP_CONV_2D_INT16_H

#include "block_int16.h"
#include "dot_int16.h"
#include "gather_int16.h"
#include "int16.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: lower words of the biases, multipliers of 15 bits, shifts */
    const int32_t *upper;     /* upper words of the biases; NULL if all are 0 */
} tc_conv_2d_int16_t;

/* One output row of a block of channels; `to` is the block's first value in that row. */
static void tc_conv_2d_int16_row(const tc_conv_2d_int16_t *op, const tc_windows_int16_t *windows, const tc_input_t *in,
                                 int32_t top, unsigned channels, const tc_block_int16_t *block, const int8_t *weights,
                                 int16_t *to, int16_t *scratch)
{
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const unsigned reach_y = (op->kernel_height - 1u) * op->dilation_height;
    const int32_t last_left = (int32_t)op->input_width - (int32_t)(op->kernel_width - 1u) * op->dilation_width;
    const int inside = top >= 0 && top + (int32_t)reach_y < op->input_height &&
                       tc_rows_are_linear(in, (uint16_t)top, reach_y);
    const int16_t *const row = inside ? tc_input_row_int16(in, (uint16_t)top) : NULL;
    /* Cells that are contiguous in the input: a row of the window, or one cell where columns are dilated. */
    const unsigned runs = op->dilation_width == 1 ? 1u : op->kernel_width;
    const size_t length = (size_t)op->input_channels * (op->dilation_width == 1 ? op->kernel_width : 1u);
    const size_t step = (size_t)op->dilation_width * op->input_channels;
    const size_t row_step = op->dilation_height * in->stride / sizeof *row - runs * step;
    int32_t left = -(int32_t)op->padding_left;
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
        int64_t sums[TC_DOT_INT16_CHANNELS];
        memcpy(sums, block->bias, sizeof sums);
        if (inside && left >= 0 && left < last_left) {
            const int16_t *from = row + (size_t)left * op->input_channels;
            const int8_t *w = weights;
            for (unsigned ky = op->kernel_height; ky > 0; ky--, from += row_step) {
                for (unsigned run = runs; run > 0; run--, from += step, w += length) {
                    tc_dot_int16(sums, channels, from, w, window, length);
                }
            }
        } else {
            tc_gather_int16(windows, in, top, left, scratch);
            tc_dot_int16(sums, channels, scratch, weights, window, window);
        }
        tc_block_int16_store(block, channels, sums, to);
    }
}

/* Output rows [first, last). Scratch: one window of int16, whole words, then a block of weights. */
static void tc_conv_2d_int16(const tc_conv_2d_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_int16_t, op, constants);
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    int16_t *const gathered = (int16_t *)(void *)scratch;
    int8_t *const buffer = scratch + 2 * (window + window % 2);
    const tc_windows_int16_t windows = {op->input_height, op->input_width,     op->input_channels, op->kernel_height,
                                        op->kernel_width, op->dilation_height, op->dilation_width};
    unsigned channels;
    tc_block_int16_t block;
    memset(&block, 0, sizeof block);
    block.low = op->activation_min;
    block.high = op->activation_max;
    for (unsigned c = 0; c < op->output_channels; c += channels) {
        const unsigned left_over = op->output_channels - c;
        const int8_t *weights;
        channels = left_over < TC_DOT_INT16_CHANNELS ? left_over : TC_DOT_INT16_CHANNELS;
        weights = tc_weights_read(op->weights, c * window, channels * window, buffer);
        tc_block_int16_load(&block, op->constants, op->upper, c, channels);
        for (uint16_t y = first; y < last; y++) {
            const int32_t top = (int32_t)y * op->stride_height - op->padding_top;
            tc_conv_2d_int16_row(op, &windows, in, top, channels, &block, weights, tc_output_row_int16(out, y) + c,
                                 gathered);
        }
    }
}

#endif

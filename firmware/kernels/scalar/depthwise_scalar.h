/* DEPTHWISE_CONV_2D of any window on cores that multiply one pair of numbers at a time, four channels together.
 *
 * Where the cells of a window lie is found once for all of its channels. Weights lie by blocks of four channels (the last
 * block holds the last four), in each cell by cell. */
#ifndef TINYCOMP_DEPTHWISE_SCALAR_H
#define TINYCOMP_DEPTHWISE_SCALAR_H

#include "requantize.h"
#include "tinycomp.h"

#define TC_DEPTHWISE_BLOCK 4

typedef struct {
    uint16_t input_height, input_width, channels;
    uint16_t output_width;
    uint16_t blocks; /* whose weights are read together */
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t dilation_height, dilation_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each channel: what sums start at * 32 + right shift + 1, and the multiplier */
} tc_depthwise_scalar_t;

/* Blocks of one output, from `channel` on. */
typedef struct {
    const int8_t *const *cells, *const *end;
    const int8_t *weights;
    size_t channel;
    size_t count; /* blocks */
    int8_t *out;
} tc_depthwise_blocks_t;

/* The cells of the window at (top, left), channel 0 of each; `border` for those beyond the input. */
static void tc_depthwise_cells(const tc_depthwise_scalar_t *op, const tc_input_t *in, int32_t top, int32_t left,
                               const int8_t *border, const int8_t **cells)
{
    const int32_t step = op->dilation_width * op->channels;
    for (unsigned ky = op->kernel_height; ky > 0; ky--, top += op->dilation_height) {
        const int inside = top >= 0 && top < op->input_height;
        const int8_t *const row = inside ? tc_input_row(in, (uint16_t)top) : border;
        int32_t x = left, offset = left * op->channels;
        for (unsigned kx = op->kernel_width; kx > 0; kx--, x += op->dilation_width, offset += step) {
            *cells++ = inside && x >= 0 && x < op->input_width ? row + offset : border;
        }
    }
}

static void tc_depthwise_blocks(const tc_depthwise_scalar_t *op, const tc_depthwise_blocks_t *blocks)
{
    const size_t most = op->channels - TC_DEPTHWISE_BLOCK;
    const int8_t *w = blocks->weights;
    const tc_scalar_output_t output = tc_scalar_output(op->output_zero_point, op->activation_min, op->activation_max);
    size_t channel = blocks->channel;
    for (size_t n = blocks->count; n > 0; n--, channel += TC_DEPTHWISE_BLOCK) {
        const size_t c = channel < most ? channel : most;
        const int32_t *const factors = op->factors + 2 * c;
        int8_t *const to = blocks->out + c;
        int32_t s0 = factors[0] >> 5, s1 = factors[2] >> 5, s2 = factors[4] >> 5, s3 = factors[6] >> 5;
        for (const int8_t *const *cell = blocks->cells; cell != blocks->end; w += TC_DEPTHWISE_BLOCK) {
            const int8_t *const x = *cell++ + c;
            s0 += x[0] * w[0];
            s1 += x[1] * w[1];
            s2 += x[2] * w[2];
            s3 += x[3] * w[3];
        }
        to[0] = tc_scalar_int8(s0, tc_scalar_scale(output, factors));
        to[1] = tc_scalar_int8(s1, tc_scalar_scale(output, factors + 2));
        to[2] = tc_scalar_int8(s2, tc_scalar_scale(output, factors + 4));
        to[3] = tc_scalar_int8(s3, tc_scalar_scale(output, factors + 6));
    }
}

/* Output rows [first, last), of at least four channels. Scratch: an address of at most eight bytes for each cell of a
 * window, a cell, and the weights that are read together where those are decoded. */
static void tc_depthwise_scalar(const tc_depthwise_scalar_t *op, const tc_input_t *in, const tc_output_t *out,
                                uint16_t first, uint16_t last, int8_t *scratch)
{
    const size_t window = (size_t)op->kernel_height * op->kernel_width;
    const size_t all = ((size_t)op->channels + TC_DEPTHWISE_BLOCK - 1) / TC_DEPTHWISE_BLOCK;
    const size_t size = window * TC_DEPTHWISE_BLOCK;
    const int8_t **const cells = (const int8_t **)(void *)scratch;
    int8_t *const border = scratch + window * 8, *const buffer = border + op->channels;
    tc_depthwise_blocks_t blocks;
    blocks.cells = cells;
    blocks.end = cells + window;
    memset(border, op->input_zero_point, op->channels);
    for (size_t block = 0; block < all; block += op->blocks) {
        blocks.channel = block * TC_DEPTHWISE_BLOCK;
        blocks.count = all - block < op->blocks ? all - block : op->blocks;
        blocks.weights = tc_weights_read(op->weights, block * size, blocks.count * size, buffer);
        for (uint16_t y = first; y < last; y++) {
            int32_t left = -(int32_t)op->padding_left;
            blocks.out = tc_output_row(out, y);
            for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width) {
                tc_depthwise_cells(op, in, (int32_t)y * op->stride_height - op->padding_top, left, border, cells);
                tc_depthwise_blocks(op, &blocks);
                blocks.out += op->channels;
            }
        }
    }
}

#endif

/* DEPTHWISE_CONV_2D for AVR, of four channels at least, one output channel each: sums of 24 bits. Weights lie (block,
 * kernel row, kernel column, channel of the block); the last block holds the last four channels.
 *
 * Cells beyond a border hold -128, the zero point, which adds nothing: they are left out. */
#ifndef TINYCOMP_DEPTHWISE_AVR_H
#define TINYCOMP_DEPTHWISE_AVR_H

#include "block_avr.h"
#include "taps_avr.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t padding_top, padding_left;
    int8_t output_zero_point;
    int8_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each block: multipliers, starts */
} tc_depthwise_avr_t;

/* One output row of a block, whose first byte in it is `to`, as `channel` is its first in a cell. */
static void tc_depthwise_avr_row(const tc_depthwise_avr_t *op, const tc_input_t *in, int top, tc_avr_block_t *block,
                                 const int8_t *weights, uint16_t channel, int8_t *to)
{
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    const uint8_t height = (uint8_t)(rows.end - rows.begin);
    const uint16_t slot = height == 0 ? 0 : tc_slot((uint16_t)(top + rows.begin), in->ring);
    int left = -(int)op->padding_left;
    tc_avr_cells_t cells;
    cells.step = op->input_channels;
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->input_channels) {
        const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
        const size_t offset = (size_t)(left + columns.begin) * op->input_channels + channel;
        const int8_t *w = weights + (rows.begin * op->kernel_width + columns.begin) * TC_AVR_CHANNELS;
        uint32_t *sums = block->sums;
        uint16_t from = slot;
        uint8_t left_over;
        cells.columns = (uint8_t)(columns.end - columns.begin);
        cells.skip = (uint16_t)(in->stride - (size_t)cells.columns * op->input_channels);
        cells.weights_skip = (uint8_t)((op->kernel_width - cells.columns) * TC_AVR_CHANNELS);
        /* Rows up to the ring's end, then those from its start. */
        for (left_over = cells.columns == 0 ? 0 : height; left_over > 0;
             left_over = (uint8_t)(left_over - cells.rows)) {
            cells.rows = in->ring - from < left_over ? (uint8_t)(in->ring - from) : left_over;
            tc_avr_taps(sums, in->base + from * in->stride + offset, w, &cells);
            sums += TC_AVR_CHANNELS;
            w += cells.rows * op->kernel_width * TC_AVR_CHANNELS;
            from = 0;
        }
        tc_avr_block_store(block, sums, TC_AVR_CHANNELS, to);
    }
}

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_depthwise_avr(const tc_depthwise_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                             uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_depthwise_avr_t, op, constants);
    const size_t size = (size_t)op->kernel_height * op->kernel_width * TC_AVR_CHANNELS;
    const int32_t *factors = op->factors;
    size_t place = 0;
    tc_avr_block_t block;
    tc_avr_block_init(&block, op->output_zero_point, op->activation_min, op->activation_max, 0x80);
    for (uint16_t c = 0; c < op->input_channels; c = (uint16_t)(c + TC_AVR_CHANNELS)) {
        const uint16_t end = (uint16_t)(op->input_channels - TC_AVR_CHANNELS);
        const uint16_t channel = c < end ? c : end;
        const int8_t *const weights = tc_weights_read(op->weights, place, size, scratch);
        tc_avr_block_load(&block, factors);
        for (uint16_t y = first; y < last; y++) {
            const int top = (int)y * op->stride_height - op->padding_top;
            tc_depthwise_avr_row(op, in, top, &block, weights, channel, tc_output_row(out, y) + channel);
        }
        factors += 2 * TC_AVR_CHANNELS;
        place += size;
    }
}

#endif

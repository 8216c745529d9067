/* CONV_2D and FULLY_CONNECTED for AVR: sums of 24 bits. Weights lie (block, kernel row, kernel column, in channel, channel of
 * the block); the channels of the last block that there are none of repeat the one before.
 *
 * A row of a window is one run of activations. Where rows are short, or where cells beyond a border count (they hold the zero
 * point, which is -128 elsewhere and adds nothing), a window is copied into scratch and is one run itself. */
#ifndef TINYCOMP_CONV_2D_AVR_H
#define TINYCOMP_CONV_2D_AVR_H

#include "block_avr.h"
#include "products_avr.h"
#include "tinycomp.h"

typedef struct {
    uint16_t input_height, input_width, input_channels;
    uint16_t output_width, output_channels;
    uint8_t kernel_height, kernel_width;
    uint8_t stride_height, stride_width;
    uint8_t padding_top, padding_left;
    int8_t input_zero_point, output_zero_point;
    int8_t activation_min, activation_max;
    uint8_t half; /* block_avr.h */
    uint8_t gathered;
    const tc_weights_t *weights;
    const int32_t *factors; /* of each block: multipliers, starts */
} tc_conv_2d_avr_t;

/* One output row of a block, whose first byte in it is `to`. */
static void tc_conv_2d_avr_row(const tc_conv_2d_avr_t *op, const tc_input_t *in, int top, tc_avr_block_t *block,
                               const int8_t *weights, unsigned channels, int8_t *to, int8_t *window)
{
    const tc_avr_span_t rows = tc_avr_span(top, (int)op->input_height, op->kernel_height);
    const size_t row_size = (size_t)op->kernel_width * op->input_channels;
    const size_t window_size = op->kernel_height * row_size;
    uint32_t *const sums = block->sums + TC_AVR_CHANNELS;
    int left = -(int)op->padding_left;
    for (uint16_t x = op->output_width; x > 0; x--, left += op->stride_width, to += op->output_channels) {
        const tc_avr_span_t columns = tc_avr_span(left, (int)op->input_width, op->kernel_width);
        const size_t begin = (size_t)columns.begin * op->input_channels;
        const size_t offset = (size_t)(left + columns.begin) * op->input_channels;
        size_t length = (size_t)(columns.end - columns.begin) * op->input_channels;
        uint8_t runs = length == 0 ? 0 : (uint8_t)(rows.end - rows.begin);
        const uint32_t *from = block->sums;
        const int8_t *w = weights + (rows.begin * row_size + begin) * TC_AVR_CHANNELS;
        if (op->gathered) {
            int8_t *cell = window + rows.begin * row_size + begin;
            memset(window, op->input_zero_point, window_size);
            for (uint8_t run = 0; run < runs; run++, cell += row_size) {
                memcpy(cell, tc_input_row(in, (uint16_t)(top + rows.begin + run)) + offset, length);
            }
            runs = 1;
            length = window_size;
            w = weights;
        }
        for (uint8_t run = 0; run < runs; run++, w += row_size * TC_AVR_CHANNELS) {
            const int8_t *activations =
                op->gathered ? window : tc_input_row(in, (uint16_t)(top + rows.begin + run)) + offset;
            tc_avr_products(sums, from, activations, w, length);
            from = sums;
        }
        tc_avr_block_store(block, from, channels, to);
    }
}

/* Output rows [first, last). Scratch: one window where it is gathered, then a block of weights. */
static void tc_conv_2d_avr(const tc_conv_2d_avr_t *constants, const tc_input_t *in, const tc_output_t *out,
                           uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_conv_2d_avr_t, op, constants);
    const size_t window = (size_t)op->kernel_height * op->kernel_width * op->input_channels;
    const size_t size = window * TC_AVR_CHANNELS;
    int8_t *const buffer = scratch + (op->gathered ? window : 0);
    const int32_t *factors = op->factors;
    size_t place = 0;
    tc_avr_block_t block;
    tc_avr_block_init(&block, op->output_zero_point, op->activation_min, op->activation_max, op->half);
    for (uint16_t c = 0; c < op->output_channels; c = (uint16_t)(c + TC_AVR_CHANNELS)) {
        const uint16_t left_over = (uint16_t)(op->output_channels - c);
        const unsigned channels = left_over < TC_AVR_CHANNELS ? left_over : TC_AVR_CHANNELS;
        const int8_t *const weights = tc_weights_read(op->weights, place, size, buffer);
        tc_avr_block_load(&block, factors);
        for (uint16_t y = first; y < last; y++) {
            const int top = (int)y * op->stride_height - op->padding_top;
            tc_conv_2d_avr_row(op, in, top, &block, weights, channels, tc_output_row(out, y) + c, scratch);
        }
        factors += 2 * TC_AVR_CHANNELS;
        place += size;
    }
}

#endif

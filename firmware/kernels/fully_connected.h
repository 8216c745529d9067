/* FULLY_CONNECTED: int8. Weight layout: (output, input). A vector uses each weight once, so blocks of output channels
 * are the outer loop and vectors the inner one.
 *
 * Rounds once. The multiplier, and in rare layers an extension of 31 more bits, is chosen at build time so that
 * rounding half up gives LiteRT's double-precision result for every possible sum. */
#ifndef TINYCOMP_FULLY_CONNECTED_H
#define TINYCOMP_FULLY_CONNECTED_H

#include "block.h"
#include "fully_connected_output.h"
#include "tinycomp.h"

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    uint8_t extended;
    int8_t output_zero_point, activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: biases with the input zero point folded in, multipliers, shifts */
    const int32_t *extension; /* used only with `extended` */
} tc_fully_connected_t;

/* The int8 value of the sum of a block's i-th channel, which is channel c. */
static int8_t tc_fully_connected_output(const tc_fully_connected_t *op, const tc_block_t *block, unsigned i, unsigned c,
                                        int32_t sum)
{
    const int total = 31 - block->shift[i]; /* >= 1 */
    int64_t product = (int64_t)sum * block->multiplier[i];
    if (op->extended) {
        product += ((int64_t)sum * TC_READ_I32(&op->extension[c])) >> 31;
    }
    const tc_dense_output_t output = {block->zero_point, block->low, block->high};
    return tc_dense_int8(product, total, output);
}

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_fully_connected(const tc_fully_connected_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_t, op, constants);
    const size_t length = op->input_size;
    tc_block_t block;
    block.zero_point = op->output_zero_point;
    block.low = op->activation_min;
    block.high = op->activation_max;
    for (unsigned c = 0; c < op->output_size; c += TC_DOT_CHANNELS) {
        const unsigned left_over = op->output_size - c;
        const unsigned channels = left_over < TC_DOT_CHANNELS ? left_over : TC_DOT_CHANNELS;
        const int8_t *const weights = tc_weights_read(op->weights, c * length, channels * length, scratch);
        tc_block_load(&block, op->constants, c, channels);
        for (uint16_t y = first; y < last; y++) {
            const int8_t *from = tc_input_row(in, y);
            int8_t *to = tc_output_row(out, y) + c;
            for (uint16_t x = 0; x < op->width; x++, from += length, to += op->output_size) {
                int32_t sums[TC_DOT_CHANNELS];
                memcpy(sums, block.bias, channels * sizeof(int32_t));
                tc_dot(sums, channels, from, weights, length, length);
                for (unsigned i = 0; i < channels; i++) {
                    to[i] = tc_fully_connected_output(op, &block, i, c + i, sums[i]);
                }
            }
        }
    }
}

#endif

/* FULLY_CONNECTED: int8. Weight layout: (output, input). A vector uses each weight once, so blocks of output channels
 * are the outer loop and vectors the inner one.
 *
 * Rounds once. The multiplier, and in rare layers an extension of 31 more bits, is chosen at build time so that
 * rounding half up gives LiteRT's double-precision result for every possible sum. */
#ifndef TINYCOMP_FULLY_CONNECTED_H
#define TINYCOMP_FULLY_CONNECTED_H

#include "channels.h"
#include "dot.h"
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

/* The int8 value of channel c's sum, to which its bias is still added. */
static __attribute__((noinline)) int8_t tc_fully_connected_output(const tc_fully_connected_t *op, unsigned c,
                                                                  int32_t sum)
{
    tc_channels_t channels = tc_channels_from(op->constants, c);
    const tc_channel_t channel = tc_channels_next(&channels);
    const tc_dense_output_t output = {op->output_zero_point, op->activation_min, op->activation_max};
    int64_t product;
    sum += channel.start;
    product = (int64_t)sum * channel.multiplier;
    if (op->extended) {
        product += ((int64_t)sum * TC_READ_I32(&op->extension[c])) >> 31;
    }
    return tc_dense_int8(product, 31 - (int8_t)channel.low, output);
}

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_fully_connected(const tc_fully_connected_t *constants, const tc_input_t *in, const tc_output_t *out,
                               uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_t, op, constants);
    const size_t length = op->input_size;
    for (unsigned c = 0; c < op->output_size; c += TC_DOT_CHANNELS) {
        const unsigned left_over = op->output_size - c;
        const unsigned channels = left_over < TC_DOT_CHANNELS ? left_over : TC_DOT_CHANNELS;
        const int8_t *const weights = tc_weights_read(op->weights, c * length, channels * length, scratch);
        for (uint16_t y = first; y < last; y++) {
            const int8_t *from = tc_input_row(in, y);
            int8_t *to = tc_output_row(out, y) + c;
            for (uint16_t x = 0; x < op->width; x++, from += length, to += op->output_size) {
                int32_t sums[TC_DOT_CHANNELS] = {0};
                tc_dot(sums, channels, from, weights, length, length);
                for (unsigned i = 0; i < channels; i++) {
                    to[i] = tc_fully_connected_output(op, c + i, sums[i]);
                }
            }
        }
    }
}

#endif

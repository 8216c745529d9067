/* FULLY_CONNECTED: int16 activations, int8 weights. Weight layout: (output, input). Blocks of output channels are the
 * outer loop and vectors the inner one. Sums are scaled in double precision, like LiteRT's. */
#ifndef TINYCOMP_FULLY_CONNECTED_INT16_H
#define TINYCOMP_FULLY_CONNECTED_INT16_H

#include "channels.h"
#include "dot_int16.h"
#include "double_product.h"
#include "int16.h"

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const uint8_t *constants; /* packed: lower words of the biases, upper bits of the factors, shifts */
    const int32_t *lower;     /* lower bits of the factors */
    const int32_t *upper;     /* upper words of the biases; NULL if all are 0 */
} tc_fully_connected_int16_t;

/* The output of channel c, from its sum without the bias. */
static __attribute__((noinline)) int16_t tc_fully_connected_int16_output(const tc_fully_connected_int16_t *op,
                                                                         unsigned c, int64_t sum)
{
    tc_channels_t channels = tc_channels_from(op->constants, c);
    const tc_channel_t channel = tc_channels_next(&channels);
    tc_double_t factor;
    factor.upper = (uint32_t)channel.multiplier;
    factor.lower = (uint32_t)TC_READ_I32(&op->lower[c]);
    factor.shift = (int8_t)channel.low;
    sum += channel.start;
    if (op->upper != NULL) {
        sum += (int64_t)TC_READ_I32(&op->upper[c]) * ((int64_t)1 << 32);
    }
    return tc_clamp_int16(tc_double_product(sum, factor), op->activation_min, op->activation_max);
}

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_fully_connected_int16(const tc_fully_connected_int16_t *constants, const tc_input_t *in,
                                     const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_int16_t, op, constants);
    const size_t length = op->input_size;
    unsigned channels;
    for (unsigned c = 0; c < op->output_size; c += channels) {
        const unsigned left_over = op->output_size - c;
        const int8_t *weights;
        channels = left_over < TC_DOT_INT16_CHANNELS ? left_over : TC_DOT_INT16_CHANNELS;
        weights = tc_weights_read(op->weights, c * length, channels * length, scratch);
        for (uint16_t y = first; y < last; y++) {
            const int16_t *from = tc_input_row_int16(in, y);
            int16_t *to = tc_output_row_int16(out, y) + c;
            for (uint16_t x = 0; x < op->width; x++, from += length, to += op->output_size) {
                int64_t sums[TC_DOT_INT16_CHANNELS] = {0};
                tc_dot_int16(sums, channels, from, weights, length, length);
                for (unsigned i = 0; i < channels; i++) {
                    to[i] = tc_fully_connected_int16_output(op, c + i, sums[i]);
                }
            }
        }
    }
}

#endif

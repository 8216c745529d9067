/* FULLY_CONNECTED: int16 activations, int8 weights. Weight layout: (output, input). Blocks of output channels are the
 * outer loop and vectors the inner one. Sums are scaled in double precision, like LiteRT's. */
#ifndef TINYCOMP_FULLY_CONNECTED_INT16_H
#define TINYCOMP_FULLY_CONNECTED_INT16_H

#include "dense_int16.h"
#include "dot_int16.h"
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

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_fully_connected_int16(const tc_fully_connected_int16_t *constants, const tc_input_t *in,
                                     const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_int16_t, op, constants);
    const size_t length = op->input_size;
    const tc_dense_int16_t of = {op->constants, op->lower, op->upper};
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
                    const int32_t value = tc_dense_int16_value(of, c + i, sums[i]);
                    to[i] = tc_clamp_int16(value, op->activation_min, op->activation_max);
                }
            }
        }
    }
}

#endif

/* FULLY_CONNECTED on int16 with sums that fit in 32 bits, scaled as in factor_int16.h. Weight layout: (output, input).
 * Blocks of output channels are the outer loop and vectors the inner one. */
#ifndef TINYCOMP_FULLY_CONNECTED_FACTOR_INT16_H
#define TINYCOMP_FULLY_CONNECTED_FACTOR_INT16_H

#include "dot_int16.h"
#include "factor_int16.h"

typedef struct {
    uint16_t width; /* vectors per row */
    uint16_t input_size, output_size;
    int16_t activation_min, activation_max;
    const tc_weights_t *weights;
    const int32_t *rows; /* of each output; see factor_int16.h */
} tc_fully_connected_factor_int16_t;

/* Output rows [first, last). Scratch: a block of weights. */
static void tc_fully_connected_factor_int16(const tc_fully_connected_factor_int16_t *constants, const tc_input_t *in,
                                            const tc_output_t *out, uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_fully_connected_factor_int16_t, op, constants);
    const size_t length = op->input_size;
    const int32_t *rows = op->rows;
    unsigned channels;
    for (unsigned c = 0; c < op->output_size; c += channels, rows += (size_t)TC_FACTOR_INT16_WORDS * channels) {
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
                    const int32_t *const row = rows + (size_t)TC_FACTOR_INT16_WORDS * i;
                    const int32_t value = tc_factor_int16(row, (uint32_t)row[0] + (uint32_t)sums[i]);
                    to[i] = tc_clamp_int16(value, op->activation_min, op->activation_max);
                }
            }
        }
    }
}

#endif

/* Of recurrent layers: a row of the weights gives an int8 value over the input, and one over the state, rounded once like
 * a fully connected layer. Weight layout: (row, inputs then state). */
#ifndef TINYCOMP_RECURRENT_ROWS_H
#define TINYCOMP_RECURRENT_ROWS_H

#include "channels.h"
#include "dot.h"
#include "fully_connected_output.h"
#include "tinycomp.h"

/* The value of one row's sum, to which its bias is still added. extension: as in fully_connected.h, or none. */
static inline int8_t tc_recurrent_value(const uint8_t *rows, const int32_t *extension, unsigned row, int32_t sum)
{
    const tc_dense_output_t output = {0, -128, 127};
    tc_channels_t channels = tc_channels_from(rows, row);
    const tc_channel_t channel = tc_channels_next(&channels);
    int64_t product;
    sum += channel.start;
    product = (int64_t)sum * channel.multiplier;
    if (extension != NULL) {
        product += ((int64_t)sum * TC_READ_I32(&extension[row])) >> 31;
    }
    return tc_dense_int8(product, 31 - (int8_t)channel.low, output);
}

/* Adds the products of `count` rows, from `row` on, with the input and with a state. scratch: for the weights. */
static inline void tc_recurrent_sums(const tc_weights_t *all, unsigned row, unsigned count, const int8_t *x,
                                     unsigned features, const int8_t *state, unsigned units, int8_t *scratch,
                                     int32_t *inputs, int32_t *states)
{
    const size_t length = (size_t)features + units;
    const int8_t *const weights = tc_weights_read(all, (tc_index_t)row * length, count * length, scratch);
    tc_dot(inputs, count, x, weights, length, features);
    tc_dot(states, count, state, weights + features, length, units);
}

/* A product with what sigmoid returns (scale 1/256, zero point -128), in the scale of the value. */
static inline int32_t tc_recurrent_share(int8_t share, int32_t value)
{
    const int32_t product = (share + 128) * value;
    return tc_rounding_shift_right((product + 1) >> 1, 7);
}

static inline int8_t tc_recurrent_look_up(const int8_t *table, int32_t sum)
{
    return TC_READ_I8(&table[tc_clamp(sum, -128, 127) + 128]);
}

#endif

/* Of recurrent layers on int16: a row of the weights gives a value over the input, and one over the state, scaled like a
 * dense layer's; sums of both go through sigmoid or tanh. Weight layout: (row, inputs then state). */
#ifndef TINYCOMP_RECURRENT_ROWS_INT16_H
#define TINYCOMP_RECURRENT_ROWS_INT16_H

#include "curves_int16.h"
#include "dense_int16.h"
#include "dot_int16.h"

/* The rows of a layer. */
typedef struct {
    unsigned inputs, units;
    const tc_weights_t *weights;
    tc_dense_int16_t of_input, of_state;
} tc_rows_int16_t;

/* How sums become positions in the table of a curve. */
typedef struct {
    const uint16_t *table;
    int32_t multiplier;
    uint8_t shift; /* to the right, after the multiplication */
} tc_scaling_int16_t;

static inline int16_t tc_rows_int16_saturated(int32_t x)
{
    return tc_clamp_int16(x, -32768, 32767);
}

/* The values of a block of rows over the input and over a state. scratch: for the weights. */
static inline void tc_rows_int16_block(const tc_rows_int16_t *op, unsigned row, unsigned count, const int16_t *x,
                                       const int16_t *state, int8_t *scratch, int16_t *shares, int16_t *backs)
{
    const size_t length = (size_t)op->inputs + op->units;
    const int8_t *const weights = tc_weights_read(op->weights, (tc_index_t)row * length, count * length, scratch);
    int64_t inputs[TC_DOT_INT16_CHANNELS] = {0}, states[TC_DOT_INT16_CHANNELS] = {0};
    tc_dot_int16(inputs, count, x, weights, length, op->inputs);
    tc_dot_int16(states, count, state, weights + op->inputs, length, op->units);
    for (unsigned i = 0; i < count; i++) {
        shares[i] = tc_rows_int16_saturated(tc_dense_int16_value(op->of_input, row + i, inputs[i]));
        backs[i] = tc_rows_int16_saturated(tc_dense_int16_value(op->of_state, row + i, states[i]));
    }
}

/* A product with what sigmoid returns, in the scale of the value. */
static inline int32_t tc_rows_int16_share(int16_t share, int32_t value)
{
    return tc_rounding_shift_right((share * value + 1) >> 1, 14);
}

/* A sum as a position in the table. */
static inline int32_t tc_rows_int16_place(const tc_scaling_int16_t *scaling, int32_t sum)
{
    const int32_t half = (int32_t)(((uint32_t)1 << scaling->shift) >> 1);
    return (tc_rows_int16_saturated(sum) * scaling->multiplier + half) >> scaling->shift;
}

#endif

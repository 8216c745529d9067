/* A fully connected recurrent layer: the sum of an int8 value over the input and one over the state, and its tanh. The
 * state is the output of the row before, and stays in scratch. */
#ifndef TINYCOMP_SIMPLE_RNN_H
#define TINYCOMP_SIMPLE_RNN_H

#include "recurrent_mask.h"
#include "recurrent_rows.h"

typedef struct {
    uint16_t inputs, units;
    uint8_t masked; /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start; /* the place among the inputs of the state before the first row; 0: it is zeros */
    const tc_weights_t *weights;
    const uint8_t *input_rows; /* packed: initial sums and factors */
    const int32_t *input_extension;
    const uint8_t *state_rows;
    const int32_t *state_extension;
    const int8_t *tanh;
} tc_simple_rnn_t;

/* The next state. */
static inline void tc_simple_rnn_step(const tc_simple_rnn_t *op, const int8_t *x, const int8_t *state, int8_t *next,
                                      int8_t *scratch)
{
    for (unsigned row = 0; row < op->units; row += TC_DOT_CHANNELS) {
        const unsigned left = op->units - row, count = left < TC_DOT_CHANNELS ? left : TC_DOT_CHANNELS;
        int32_t inputs[TC_DOT_CHANNELS] = {0}, states[TC_DOT_CHANNELS] = {0};
        tc_recurrent_sums(op->weights, row, count, x, op->inputs, state, op->units, scratch, inputs, states);
        for (unsigned i = 0; i < count; i++) {
            const int32_t share = tc_recurrent_value(op->input_rows, op->input_extension, row + i, inputs[i]);
            const int32_t back = tc_recurrent_value(op->state_rows, op->state_extension, row + i, states[i]);
            next[row + i] = tc_recurrent_look_up(op->tanh, share + back);
        }
    }
}

/* Output rows [first, last), in order. Scratch: the state, the next state; a block of weights. */
static void tc_simple_rnn(const tc_simple_rnn_t *constants, const tc_input_t *in, const tc_output_t *out,
                          uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_simple_rnn_t, op, constants);
    const size_t units = op->units;
    int8_t *const state = scratch, *const next = scratch + units;
    int8_t *const weights = scratch + (2 * units + 3) / 4 * 4;
    if (first == 0) {
        tc_first_state(state, in, op->start, units);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_simple_rnn_step(op, tc_input_row(in, y), state, next, weights);
            tc_copy(state, next, units);
        }
        tc_copy(tc_output_row(out, y), state, units);
    }
}

#endif

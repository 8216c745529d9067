/* A fully connected recurrent layer on int16: the sum of a value over the input and one over the state, and its tanh. The
 * state is the output of the row before, and stays in scratch. */
#ifndef TINYCOMP_SIMPLE_RNN_INT16_H
#define TINYCOMP_SIMPLE_RNN_INT16_H

#include "recurrent_mask_int16.h"
#include "recurrent_rows_int16.h"

typedef struct {
    uint16_t inputs, units;
    uint8_t masked; /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start; /* the place among the inputs of the state before the first row; 0: it is zeros */
    const tc_weights_t *weights;
    const uint8_t *input_rows; /* as in dense_int16.h */
    const int32_t *input_lower, *input_upper;
    const uint8_t *state_rows;
    const int32_t *state_lower, *state_upper;
    int32_t tanh_multiplier; /* of sums: positions in the table */
    uint8_t tanh_shift;
    const uint16_t *table;
} tc_simple_rnn_int16_t;

/* The next state. */
static inline void tc_simple_rnn_int16_step(const tc_rows_int16_t *rows, const tc_scaling_int16_t *tanh,
                                            const int16_t *x, const int16_t *state, int16_t *next, int8_t *scratch)
{
    for (unsigned row = 0; row < rows->units; row += TC_DOT_INT16_CHANNELS) {
        const unsigned left = rows->units - row, count = left < TC_DOT_INT16_CHANNELS ? left : TC_DOT_INT16_CHANNELS;
        int16_t shares[TC_DOT_INT16_CHANNELS], backs[TC_DOT_INT16_CHANNELS];
        tc_rows_int16_block(rows, row, count, x, state, scratch, shares, backs);
        for (unsigned i = 0; i < count; i++) {
            next[row + i] = tc_tanh_int16_of(tanh->table, tc_rows_int16_place(tanh, shares[i] + backs[i]));
        }
    }
}

/* Output rows [first, last), in order. Scratch: the state, the next state; a block of weights. */
static void tc_simple_rnn_int16(const tc_simple_rnn_int16_t *constants, const tc_input_t *in, const tc_output_t *out,
                                uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_simple_rnn_int16_t, op, constants);
    const size_t size = op->units * sizeof(int16_t);
    const tc_rows_int16_t rows = {op->inputs,
                                  op->units,
                                  op->weights,
                                  {op->input_rows, op->input_lower, op->input_upper},
                                  {op->state_rows, op->state_lower, op->state_upper}};
    const tc_scaling_int16_t tanh = {op->table, op->tanh_multiplier, op->tanh_shift};
    int16_t *const state = (int16_t *)(void *)scratch, *const next = state + op->units;
    if (first == 0) {
        tc_first_state(state, in, op->start, size);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts_int16(in, op->masked, op->mask_zero, y)) {
            tc_simple_rnn_int16_step(&rows, &tanh, tc_input_row_int16(in, y), state, next, scratch + 2 * size);
            tc_copy(state, next, size);
        }
        tc_copy(tc_output_row_int16(out, y), state, size);
    }
}

#endif

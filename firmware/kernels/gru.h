/* A gated recurrent unit: at every step dense layers, additions, products and look-ups in int8. Weight layout: (gate,
 * unit, inputs then state); gates: update, reset, candidate; the rows of the first two fill whole blocks. The state is
 * the output of the row before, and stays in scratch. */
#ifndef TINYCOMP_GRU_H
#define TINYCOMP_GRU_H

#include "recurrent_mask.h"
#include "recurrent_rows.h"

typedef struct {
    uint16_t inputs, units;
    uint8_t reset_after; /* 1: the reset gate multiplies what the state adds to the candidate; 0: the state */
    uint8_t masked;      /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start; /* the place among the inputs of the state before the first row; 0: it is zeros */
    const tc_weights_t *weights;
    const uint8_t *input_rows; /* packed: initial sums and factors */
    const int32_t *input_extension;
    const uint8_t *state_rows;
    const int32_t *state_extension;
    const int8_t *sigmoid, *tanh;
} tc_gru_t;

typedef struct {
    int8_t *state, *gates, *candidates, *weights;
} tc_gru_scratch_t;

/* The values of a block of rows over the input and over a state. */
static inline void tc_gru_block(const tc_gru_t *op, unsigned row, unsigned count, const int8_t *x, const int8_t *state,
                                int8_t *scratch, int8_t *shares, int8_t *backs)
{
    int32_t inputs[TC_DOT_CHANNELS] = {0}, states[TC_DOT_CHANNELS] = {0};
    tc_recurrent_sums(op->weights, row, count, x, op->inputs, state, op->units, scratch, inputs, states);
    for (unsigned i = 0; i < count; i++) {
        shares[i] = tc_recurrent_value(op->input_rows, op->input_extension, row + i, inputs[i]);
        backs[i] = tc_recurrent_value(op->state_rows, op->state_extension, row + i, states[i]);
    }
}

/* The update and reset gates. */
static inline void tc_gru_gates(const tc_gru_t *op, unsigned padded, const int8_t *x, const tc_gru_scratch_t *at)
{
    for (unsigned row = 0; row < padded; row += TC_DOT_CHANNELS) {
        int8_t shares[TC_DOT_CHANNELS], backs[TC_DOT_CHANNELS];
        tc_gru_block(op, row, TC_DOT_CHANNELS, x, at->state, at->weights, shares, backs);
        for (unsigned i = 0; i < TC_DOT_CHANNELS; i++) {
            at->gates[row + i] = tc_recurrent_look_up(op->sigmoid, shares[i] + backs[i]);
        }
    }
}

/* The candidates. */
static inline void tc_gru_candidates(const tc_gru_t *op, unsigned padded, const int8_t *x, const tc_gru_scratch_t *at)
{
    const int8_t *const reset = at->gates + op->units;
    const int8_t *state = at->state;
    if (!op->reset_after) { /* each candidate is computed from all of it */
        for (unsigned i = 0; i < op->units; i++) {
            at->candidates[op->units + i] = (int8_t)tc_recurrent_share(reset[i], state[i]);
        }
        state = at->candidates + op->units;
    }
    for (unsigned row = 0; row < op->units; row += TC_DOT_CHANNELS) {
        const unsigned left = op->units - row, count = left < TC_DOT_CHANNELS ? left : TC_DOT_CHANNELS;
        int8_t shares[TC_DOT_CHANNELS], backs[TC_DOT_CHANNELS];
        tc_gru_block(op, padded + row, count, x, state, at->weights, shares, backs);
        for (unsigned i = 0; i < count; i++) {
            const int32_t back = op->reset_after ? tc_recurrent_share(reset[row + i], backs[i]) : backs[i];
            at->candidates[row + i] = tc_recurrent_look_up(op->tanh, shares[i] + back);
        }
    }
}

/* One step: the next state. */
static inline void tc_gru_next(const tc_gru_t *op, unsigned padded, const int8_t *x, const tc_gru_scratch_t *at)
{
    tc_gru_gates(op, padded, x, at);
    tc_gru_candidates(op, padded, x, at);
    for (size_t i = 0; i < op->units; i++) {
        const int32_t old = tc_recurrent_share(at->gates[i], at->state[i]);
        const int32_t fresh = tc_recurrent_share((int8_t)~at->gates[i], at->candidates[i]);
        at->state[i] = tc_clamp(old + fresh, -128, 127);
    }
}

/* Output rows [first, last), in order. Scratch: state, candidates, gates; a block of weights. */
static void tc_gru(const tc_gru_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                   uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_gru_t, op, constants);
    const size_t units = op->units;
    const unsigned padded = (2u * op->units + TC_DOT_CHANNELS - 1) / TC_DOT_CHANNELS * TC_DOT_CHANNELS;
    tc_gru_scratch_t at;
    at.state = scratch;
    at.gates = at.state + units;
    at.candidates = at.gates + padded;
    at.weights = scratch + (3 * units + padded + 3) / 4 * 4;
    if (first == 0) {
        tc_first_state(at.state, in, op->start, units);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_gru_next(op, padded, tc_input_row(in, y), &at);
        }
        tc_copy(tc_output_row(out, y), at.state, units);
    }
}

#endif

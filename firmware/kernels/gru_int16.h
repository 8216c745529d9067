/* A gated recurrent unit on int16: at every step dense layers, additions, products and curves. Weight layout: (gate,
 * unit, inputs then state); gates: update, reset, candidate; the rows of the first two fill whole blocks. The state is
 * the output of the row before, and stays in scratch. */
#ifndef TINYCOMP_GRU_INT16_H
#define TINYCOMP_GRU_INT16_H

#include "recurrent_mask_int16.h"
#include "recurrent_rows_int16.h"

typedef struct {
    uint16_t inputs, units;
    uint8_t reset_after; /* 1: the reset gate multiplies what the state adds to the candidate; 0: the state */
    uint8_t masked;      /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start; /* the place among the inputs of the state before the first row; 0: it is zeros */
    const tc_weights_t *weights;
    const uint8_t *input_rows; /* as in dense_int16.h */
    const int32_t *input_lower, *input_upper;
    const uint8_t *state_rows;
    const int32_t *state_lower, *state_upper;
    int32_t sigmoid_multiplier, tanh_multiplier; /* of sums: positions in the table */
    uint8_t sigmoid_shift, tanh_shift;
    const uint16_t *table;
} tc_gru_int16_t;

typedef struct {
    int16_t *state, *gates, *candidates;
    int8_t *weights;
} tc_gru_int16_scratch_t;

/* The update and reset gates. */
static inline void tc_gru_int16_gates(const tc_rows_int16_t *rows, const tc_scaling_int16_t *sigmoid, unsigned padded,
                                      const int16_t *x, const tc_gru_int16_scratch_t *at)
{
    for (unsigned row = 0; row < padded; row += TC_DOT_INT16_CHANNELS) {
        int16_t shares[TC_DOT_INT16_CHANNELS], backs[TC_DOT_INT16_CHANNELS];
        tc_rows_int16_block(rows, row, TC_DOT_INT16_CHANNELS, x, at->state, at->weights, shares, backs);
        for (unsigned i = 0; i < TC_DOT_INT16_CHANNELS; i++) {
            const int32_t place = tc_rows_int16_place(sigmoid, shares[i] + backs[i]);
            at->gates[row + i] = tc_sigmoid_int16(sigmoid->table, place);
        }
    }
}

/* The candidates. */
static inline void tc_gru_int16_candidates(const tc_rows_int16_t *rows, const tc_scaling_int16_t *tanh,
                                           unsigned reset_after, unsigned padded, const int16_t *x,
                                           const tc_gru_int16_scratch_t *at)
{
    const unsigned units = rows->units;
    const int16_t *const reset = at->gates + units;
    const int16_t *state = at->state;
    if (reset_after == 0u) { /* each candidate is computed from all of it */
        for (unsigned i = 0; i < units; i++) {
            at->candidates[units + i] = (int16_t)tc_rows_int16_share(reset[i], state[i]);
        }
        state = at->candidates + units;
    }
    for (unsigned row = 0; row < units; row += TC_DOT_INT16_CHANNELS) {
        const unsigned left = units - row, count = left < TC_DOT_INT16_CHANNELS ? left : TC_DOT_INT16_CHANNELS;
        int16_t shares[TC_DOT_INT16_CHANNELS], backs[TC_DOT_INT16_CHANNELS];
        tc_rows_int16_block(rows, padded + row, count, x, state, at->weights, shares, backs);
        for (unsigned i = 0; i < count; i++) {
            const int32_t back = reset_after != 0u ? tc_rows_int16_share(reset[row + i], backs[i]) : backs[i];
            at->candidates[row + i] = tc_tanh_int16_of(tanh->table, tc_rows_int16_place(tanh, shares[i] + back));
        }
    }
}

/* The next state. */
static inline void tc_gru_int16_next(size_t units, const tc_gru_int16_scratch_t *at)
{
    for (size_t i = 0; i < units; i++) {
        const int16_t update = at->gates[i];
        const int32_t old = tc_rows_int16_share(update, at->state[i]);
        const int32_t fresh = tc_rows_int16_share((int16_t)(32767 - update), at->candidates[i]);
        at->state[i] = tc_rows_int16_saturated(old + fresh);
    }
}

/* Output rows [first, last), in order. Scratch: state, gates, candidates, their state; a block of weights. */
static void tc_gru_int16(const tc_gru_int16_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                         uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_gru_int16_t, op, constants);
    const size_t units = op->units;
    const unsigned padded = (2u * op->units + TC_DOT_INT16_CHANNELS - 1) / TC_DOT_INT16_CHANNELS *
                            TC_DOT_INT16_CHANNELS;
    const tc_rows_int16_t rows = {op->inputs,
                                  op->units,
                                  op->weights,
                                  {op->input_rows, op->input_lower, op->input_upper},
                                  {op->state_rows, op->state_lower, op->state_upper}};
    const tc_scaling_int16_t sigmoid = {op->table, op->sigmoid_multiplier, op->sigmoid_shift};
    const tc_scaling_int16_t tanh = {op->table, op->tanh_multiplier, op->tanh_shift};
    tc_gru_int16_scratch_t at;
    at.state = (int16_t *)(void *)scratch;
    at.gates = at.state + units;
    at.candidates = at.gates + padded;
    at.weights = scratch + (2 * (3 * units + padded) + 3) / 4 * 4;
    if (first == 0) {
        tc_first_state(at.state, in, op->start, units * sizeof *at.state);
    }
    for (uint16_t y = first; y < last; y++) {
        const int16_t *const x = tc_input_row_int16(in, y);
        if (tc_row_counts_int16(in, op->masked, op->mask_zero, y)) {
            tc_gru_int16_gates(&rows, &sigmoid, padded, x, &at);
            tc_gru_int16_candidates(&rows, &tanh, op->reset_after, padded, x, &at);
            tc_gru_int16_next(units, &at);
        }
        tc_copy(tc_output_row_int16(out, y), at.state, units * sizeof *at.state);
    }
}

#endif

/* UNIDIRECTIONAL_SEQUENCE_LSTM on Armv7E-M: see lstm.h; the products are those of recurrent_products.h. Units are a
 * multiple of four, and no gate's sum is shifted to the left or leaves 31 bits. */
#ifndef TINYCOMP_LSTM_DSP_H
#define TINYCOMP_LSTM_DSP_H

#include "lstm_unit.h"
#include "recurrent_mask.h"
#include "recurrent_products.h"

typedef struct {
    uint16_t inputs, units;
    int8_t zero_point;   /* of the output and the state */
    uint8_t cell_bits;   /* integer bits of the cell state */
    int8_t output_shift; /* of the product of output gate and cell, with the next */
    int32_t output_multiplier;
    int16_t clip;   /* largest magnitude of the cell state; 0: unlimited */
    uint8_t masked; /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    const tc_weights_t *weights;
    const int32_t *biases;       /* of the inputs, with their zero point folded in: one a row of the weights */
    const int32_t *state_biases; /* of the state; or none */
    const int32_t *multipliers;  /* of each gate: for the inputs, for the state */
    const int8_t *shifts;
} tc_lstm_dsp_t;

typedef struct {
    uint32_t *inputs, *state; /* pairs */
    int16_t *cell, *gates;
    int8_t *values; /* the state */
    int8_t *padded; /* an input */
} tc_lstm_dsp_scratch_t;

/* A sum of less than 31 bits in a gate's steps; shift: to the right. */
static inline int32_t tc_lstm_dsp_requantize(int32_t sum, int32_t multiplier, int shift)
{
    return tc_rounding_shift_right(tc_smmlar(2 * sum, multiplier, 0), shift);
}

/* The sums of a gate; returns the weights after it. */
static inline const int8_t *tc_lstm_dsp_gate(const tc_lstm_dsp_t *op, const tc_lstm_dsp_scratch_t *at, unsigned gate,
                                             const int8_t *w)
{
    const unsigned units = op->units, input_groups = (op->inputs + 3u) / 4, state_groups = units / 4;
    const int32_t *const multipliers = &op->multipliers[2 * gate];
    const int8_t *const shifts = &op->shifts[2 * gate];
    const int32_t of_inputs = multipliers[0], of_state = multipliers[1];
    const int down_inputs = -shifts[0], down_state = -shifts[1];
    for (unsigned row = gate * units, end = row + units; row != end; row += TC_ROWS_BLOCK) {
        uint32_t inputs[TC_ROWS_BLOCK], state[TC_ROWS_BLOCK];
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++) {
            inputs[i] = (uint32_t)op->biases[row + i];
            state[i] = op->state_biases != NULL ? (uint32_t)op->state_biases[row + i] : 0;
        }
        w = tc_rows_products(inputs, w, at->inputs, input_groups);
        w = tc_rows_products(state, w, at->state, state_groups);
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++) {
            const int32_t share = tc_lstm_dsp_requantize((int32_t)inputs[i], of_inputs, down_inputs);
            const int32_t back = tc_lstm_dsp_requantize((int32_t)state[i], of_state, down_state);
            at->gates[row + i] = (int16_t)tc_saturate_16(tc_saturate_16(share) + back);
        }
    }
    return w;
}

/* One step: the next state. */
static inline void tc_lstm_dsp_step(const tc_lstm_dsp_t *op, const tc_lstm_unit_t *unit,
                                    const tc_lstm_dsp_scratch_t *at)
{
    const int8_t *w = tc_weights_read(op->weights, 0, 0, NULL);
    for (unsigned gate = 0; gate < 4; gate++) {
        w = tc_lstm_dsp_gate(op, at, gate, w);
    }
    for (size_t i = 0; i < op->units; i++) {
        at->values[i] = tc_lstm_unit(unit, &at->gates[i], op->units, &at->cell[i]);
    }
    tc_rows_spread(at->state, at->values, op->units / 4u);
}

/* Output rows [first, last), in order. Scratch: pairs of the state and of an input, the cell state, the gates' sums, the
 * state, a padded input. */
static void tc_lstm_dsp(const tc_lstm_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                        uint16_t last, int8_t *scratch)
{
    const size_t units = op->units, padded = (op->inputs + 3u) / 4 * 4;
    const tc_lstm_unit_t unit = {op->output_multiplier, op->output_shift, op->cell_bits, op->clip, op->zero_point};
    tc_lstm_dsp_scratch_t at;
    at.state = (uint32_t *)(void *)scratch;
    at.inputs = at.state + units / 2;
    at.cell = (int16_t *)(void *)(at.inputs + padded / 2);
    at.gates = at.cell + units;
    at.values = (int8_t *)(void *)(at.gates + 4 * units);
    at.padded = at.values + units;
    if (first == 0) {
        tc_fill(at.cell, 0, units * sizeof *at.cell);
        tc_fill(at.values, op->zero_point, units);
        tc_fill(at.padded, 0, padded);
        tc_rows_spread(at.state, at.values, op->units / 4u);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_copy(at.padded, tc_input_row(in, y), op->inputs);
            tc_rows_spread(at.inputs, at.padded, (unsigned)(padded / 4));
            tc_lstm_dsp_step(op, &unit, &at);
        }
        tc_copy(tc_output_row(out, y), at.values, units);
    }
}

#endif

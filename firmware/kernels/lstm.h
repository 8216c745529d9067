/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8, with an int16 cell state. Weight layout: (gate, unit, inputs then state); gates:
 * input, forget, cell, output. The state is the output of the row before; it and the cell state stay in scratch. */
#ifndef TINYCOMP_LSTM_H
#define TINYCOMP_LSTM_H

#include "dot.h"
#include "lstm_unit.h"
#include "recurrent_mask.h"
#include "tinycomp.h"

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
} tc_lstm_t;

typedef struct {
    int16_t *cell, *gates;
    int8_t *state, *weights;
} tc_lstm_scratch_t;

/* A gate's sum, int16 with 12 fractional bits. */
static inline int16_t tc_lstm_sum(const tc_lstm_t *op, unsigned row, unsigned gate, int32_t inputs, int32_t state)
{
    const int32_t *const multipliers = &op->multipliers[2 * gate];
    const int8_t *const shifts = &op->shifts[2 * gate];
    inputs += TC_READ_I32(&op->biases[row]);
    if (op->state_biases != NULL) {
        state += TC_READ_I32(&op->state_biases[row]);
    }
    inputs = tc_saturate_16(tc_requantize(inputs, TC_READ_I32(&multipliers[0]), TC_READ_I8(&shifts[0])));
    state = tc_requantize(state, TC_READ_I32(&multipliers[1]), TC_READ_I8(&shifts[1]));
    return (int16_t)tc_saturate_16(inputs + state);
}

/* The sums of all gates. */
static inline void tc_lstm_sums(const tc_lstm_t *op, const int8_t *x, const tc_lstm_scratch_t *at)
{
    const size_t length = (size_t)op->inputs + op->units;
    const unsigned rows = 4u * op->units;
    unsigned gate = 0, left = op->units;
    for (unsigned row = 0; row < rows; row += TC_DOT_CHANNELS) {
        const unsigned count = rows - row < TC_DOT_CHANNELS ? rows - row : TC_DOT_CHANNELS;
        const int8_t *const weights = tc_weights_read(op->weights, (tc_index_t)row * length, count * length,
                                                      at->weights);
        int32_t inputs[TC_DOT_CHANNELS] = {0}, state[TC_DOT_CHANNELS] = {0};
        tc_dot(inputs, count, x, weights, length, op->inputs);
        tc_dot(state, count, at->state, weights + op->inputs, length, op->units);
        for (unsigned i = 0; i < count; i++) {
            at->gates[row + i] = tc_lstm_sum(op, row + i, gate, inputs[i], state[i]);
            if (--left == 0) {
                left = op->units;
                gate++;
            }
        }
    }
}

/* Output rows [first, last), in order. Scratch: the cell state, the gates' sums, the state; a block of weights. */
static void tc_lstm(const tc_lstm_t *constants, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                    uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_lstm_t, op, constants);
    const size_t units = op->units;
    const tc_lstm_unit_t unit = {op->output_multiplier, op->output_shift, op->cell_bits, op->clip, op->zero_point};
    tc_lstm_scratch_t at;
    at.cell = (int16_t *)(void *)scratch;
    at.gates = at.cell + units;
    at.state = (int8_t *)(void *)(at.gates + 4 * units);
    at.weights = scratch + (11 * units + 3) / 4 * 4;
    if (first == 0) {
        tc_fill(at.cell, 0, units * sizeof *at.cell);
        tc_fill(at.state, op->zero_point, units);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_lstm_sums(op, tc_input_row(in, y), &at);
            for (size_t i = 0; i < units; i++) {
                at.state[i] = tc_lstm_unit(&unit, &at.gates[i], units, &at.cell[i]);
            }
        }
        tc_copy(tc_output_row(out, y), at.state, units);
    }
}

#endif

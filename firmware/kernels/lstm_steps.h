/* An LSTM as operators at every step: dense layers, additions, products and look-ups in int8, with an int16 cell state.
 * Weight layout: (gate, unit, inputs then state); gates: input, forget, cell, output. The state is the output of the row
 * before; it and the cell state stay in scratch. */
#ifndef TINYCOMP_LSTM_STEPS_H
#define TINYCOMP_LSTM_STEPS_H

#include "int16.h"
#include "recurrent_mask.h"
#include "recurrent_rows.h"

typedef struct {
    uint16_t inputs, units;
    const tc_weights_t *weights;
    const uint8_t *input_rows; /* packed: initial sums and factors */
    const int32_t *input_extension;
    const uint8_t *state_rows;
    const int32_t *state_extension;
    const int8_t *gate, *fresh, *show; /* tables of activations: of gates, of the candidate, of the cell state */
    int32_t added_multiplier, shown_multiplier;
    int8_t added_shift, shown_shift; /* of what is added to the cell state; of the cell state as int8 */
    uint8_t masked;                  /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start;     /* the place among the inputs of the output's row before the first; 0: it is zeros */
    uint8_t cell_rows; /* 1: an output row is the state and the cell state, both int16 */
    int8_t widened_shift, narrowed_shift; /* of the state, to int16 and back */
    int32_t widened_multiplier, narrowed_multiplier;
} tc_lstm_steps_t;

typedef struct {
    int16_t *cell;
    int8_t *values, *state, *weights;
} tc_lstm_steps_scratch_t;

/* The gates and the candidate. */
static inline void tc_lstm_steps_values(const tc_lstm_steps_t *op, const int8_t *x, const tc_lstm_steps_scratch_t *at)
{
    const unsigned rows = 4u * op->units;
    for (unsigned row = 0; row < rows; row += TC_DOT_CHANNELS) {
        int32_t inputs[TC_DOT_CHANNELS] = {0}, states[TC_DOT_CHANNELS] = {0};
        tc_recurrent_sums(op->weights, row, TC_DOT_CHANNELS, x, op->inputs, at->state, op->units, at->weights, inputs,
                          states);
        for (unsigned i = row; i < row + TC_DOT_CHANNELS; i++) {
            const int32_t share = tc_recurrent_value(op->input_rows, op->input_extension, i, inputs[i - row]);
            const int32_t back = tc_recurrent_value(op->state_rows, op->state_extension, i, states[i - row]);
            const uint8_t candidate = i >= 2u * op->units && i < 3u * op->units;
            at->values[i] = tc_recurrent_look_up(candidate ? op->fresh : op->gate, share + back);
        }
    }
}

/* The next state of a unit. */
static inline int8_t tc_lstm_steps_unit(const tc_lstm_steps_t *op, const int8_t *values, int16_t *cell)
{
    const size_t units = op->units;
    const int32_t enter = (values[0] + 128) * 128, forget = (values[units] + 128) * 128;
    const int32_t product = enter * values[2 * units] * 256;
    const int32_t kept = tc_rounding_shift_right((forget * *cell + 1) >> 1, 14);
    const int32_t scaled = tc_requantize(product, op->added_multiplier, op->added_shift);
    const int32_t added = tc_clamp_int16(scaled, -32768, 32767);
    *cell = tc_clamp_int16(kept + added, -32768, 32767);
    const int32_t read = tc_requantize(*cell, op->shown_multiplier, op->shown_shift);
    return (int8_t)tc_recurrent_share(values[3 * units], tc_recurrent_look_up(op->show, read));
}

/* The states before the first row. */
static inline void tc_lstm_steps_start(const tc_lstm_steps_t *op, const tc_input_t *in,
                                       const tc_lstm_steps_scratch_t *at)
{
    const size_t units = op->units;
    tc_fill(at->cell, 0, units * sizeof *at->cell);
    tc_fill(at->state, 0, units);
    if (!TC_RECURRENT_RESET && op->start != 0u) {
        const int16_t *const row = tc_input_row_int16(&in[op->start], 0);
        for (size_t i = 0; i < units; i++) {
            at->state[i] = tc_clamp(tc_requantize(row[i], op->narrowed_multiplier, op->narrowed_shift), -128, 127);
            at->cell[i] = row[units + i];
        }
    }
}

/* A row of the output. */
static inline void tc_lstm_steps_show(const tc_lstm_steps_t *op, const tc_output_t *out, uint16_t y,
                                      const tc_lstm_steps_scratch_t *at)
{
    const size_t units = op->units;
    if (op->cell_rows == 0u) {
        tc_copy(tc_output_row(out, y), at->state, units);
    } else {
        int16_t *const row = tc_output_row_int16(out, y);
        for (size_t i = 0; i < units; i++) {
            const int32_t wide = tc_requantize(at->state[i], op->widened_multiplier, op->widened_shift);
            row[i] = tc_clamp_int16(wide, -32768, 32767);
            row[units + i] = at->cell[i];
        }
    }
}

/* Output rows [first, last), in order. Scratch: the cell state, the gates, the state; a block of weights. */
static void tc_lstm_steps(const tc_lstm_steps_t *constants, const tc_input_t *in, const tc_output_t *out,
                          uint16_t first, uint16_t last, int8_t *scratch)
{
    TC_FETCH(tc_lstm_steps_t, op, constants);
    const size_t units = op->units;
    tc_lstm_steps_scratch_t at;
    at.cell = (int16_t *)(void *)scratch;
    at.values = scratch + 2 * units;
    at.state = at.values + 4 * units;
    at.weights = scratch + (7 * units + 3) / 4 * 4;
    if (first == 0) {
        tc_lstm_steps_start(op, in, &at);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_lstm_steps_values(op, tc_input_row(in, y), &at);
            for (size_t i = 0; i < units; i++) {
                at.state[i] = tc_lstm_steps_unit(op, &at.values[i], &at.cell[i]);
            }
        }
        tc_lstm_steps_show(op, out, y, &at);
    }
}

#endif

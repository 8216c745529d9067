/* A gated recurrent unit on Armv7E-M: four rows of the weights at a time, two products per SMLAD; activations are spread
 * to int16 pairs once a step. Weight layout: blocks of four rows, in each a word of every row for four inputs, and so
 * on, then the same for the state. Values are rounded once, from the high word of a sum's
 * product with its multiplier. */
#ifndef TINYCOMP_GRU_DSP_H
#define TINYCOMP_GRU_DSP_H

#include "recurrent_mask.h"
#include "recurrent_products.h"

typedef struct {
    uint16_t inputs, units;
    uint16_t input_groups, state_groups; /* of four values */
    uint16_t gate_blocks;                /* of rows, of both gates */
    uint8_t reset_after;                 /* 1: the reset gate multiplies what the state adds; 0: the state */
    uint8_t masked;                      /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start;                    /* the place among the inputs of the state before the first row; 0: it is zeros */
    uint8_t input_shift, state_shift; /* of a product's high word */
    const tc_weights_t *weights;
    const int32_t *rows;    /* of each row: initial sum and multiplier over the input, then over the state */
    const uint8_t *sigmoid; /* in steps of 1/256 */
    const int8_t *tanh;
} tc_gru_dsp_t;

typedef struct {
    uint32_t *inputs, *state, *reset; /* pairs */
    int8_t *values;                   /* the state, padded with zeros */
    uint8_t *gates;                   /* as many as fill whole blocks, and as the last block of candidates reads */
    int8_t *candidates;
} tc_gru_dsp_scratch_t;

/* A product with what sigmoid returns, in the scale of the value. */
static inline int32_t tc_gru_share(int32_t share, int32_t value)
{
    const int32_t half = (share * value + 1) >> 1;
    return (half + (half >> 31) + 64) >> 7;
}

static inline int32_t tc_gru_value(const int32_t *row, uint32_t sum, unsigned shift)
{
    return tc_saturate_to_int8(tc_smmla((int32_t)sum, row[1], (int32_t)1 << (shift - 1)) >> shift);
}

/* The sums of a block over input and state; returns the weights after it. */
static inline const int8_t *tc_gru_sums(const tc_gru_dsp_t *op, const tc_gru_dsp_scratch_t *at, const uint32_t *state,
                                        const int32_t *row, const int8_t *w, uint32_t *inputs, uint32_t *states)
{
    for (unsigned i = 0; i < TC_ROWS_BLOCK; i++) {
        inputs[i] = (uint32_t)row[4 * i];
        states[i] = (uint32_t)row[4 * i + 2];
    }
    w = tc_rows_products(inputs, w, at->inputs, op->input_groups);
    return tc_rows_products(states, w, state, op->state_groups);
}

/* One step: the next state. */
static inline void tc_gru_step(const tc_gru_dsp_t *op, const tc_gru_dsp_scratch_t *at)
{
    const int8_t *w = tc_weights_read(op->weights, 0, 0, NULL);
    const int32_t *row = op->rows;
    const uint32_t *state = at->state;
    const uint8_t *const reset = at->gates + op->units;
    const uint8_t *const sigmoid = op->sigmoid + 128;
    const int8_t *const tanh = op->tanh + 128;
    uint32_t inputs[TC_ROWS_BLOCK], states[TC_ROWS_BLOCK];
    uint8_t *gate = at->gates;
    for (unsigned block = op->gate_blocks; block != 0; block--) {
        w = tc_gru_sums(op, at, state, row, w, inputs, states);
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++, row += 4) {
            const int32_t share = tc_gru_value(row, inputs[i], op->input_shift),
                          back = tc_gru_value(row + 2, states[i], op->state_shift);
            *gate++ = sigmoid[tc_saturate_to_int8(share + back)];
        }
    }
    if (!op->reset_after) {
        for (unsigned i = 0; i < op->units; i++) {
            at->candidates[i] = (int8_t)tc_gru_share(reset[i], at->values[i]);
        }
        for (unsigned i = op->units; i < 4u * op->state_groups; i++) {
            at->candidates[i] = 0;
        }
        tc_rows_spread(at->reset, at->candidates, op->state_groups);
        state = at->reset;
    }
    for (unsigned c = 0; c < op->units; c += TC_ROWS_BLOCK) {
        w = tc_gru_sums(op, at, state, row, w, inputs, states);
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++, row += 4) { /* beyond the last unit: into the padding */
            const int32_t share = tc_gru_value(row, inputs[i], op->input_shift);
            int32_t back = tc_gru_value(row + 2, states[i], op->state_shift);
            if (op->reset_after) {
                back = tc_gru_share(reset[c + i], back);
            }
            at->candidates[c + i] = tanh[tc_saturate_to_int8(share + back)];
        }
    }
    for (unsigned i = 0; i < op->units; i++) {
        const int32_t update = at->gates[i];
        const int32_t old = tc_gru_share(update, at->values[i]);
        at->values[i] = (int8_t)tc_saturate_to_int8(old + tc_gru_share(255 - update, at->candidates[i]));
    }
    tc_rows_spread(at->state, at->values, op->state_groups);
}

/* Output rows [first, last), in order. Scratch: pairs of the state and of the input, the state, gates, candidates, and
 * pairs of the state times the reset gate, or a padded input. */
static void tc_gru_dsp(const tc_gru_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                       uint16_t last, int8_t *scratch)
{
    tc_gru_dsp_scratch_t at;
    int8_t *padded;
    const size_t state_size = 4u * op->state_groups;
    at.state = (uint32_t *)(void *)scratch;
    at.inputs = at.state + 2 * op->state_groups;
    at.reset = at.inputs + 2 * op->input_groups;
    at.values = (int8_t *)(void *)(at.reset + (op->reset_after ? 0 : 2 * op->state_groups));
    at.candidates = at.values + state_size;
    padded = at.candidates + state_size;
    at.gates = (uint8_t *)padded + 4u * op->input_groups;
    if (first == 0) {
        tc_fill(at.values, 0, state_size);
        tc_fill(at.state, 0, 2 * state_size);
        if (!TC_RECURRENT_RESET && op->start != 0u) {
            tc_copy(at.values, tc_input_row(&in[op->start], 0), op->units);
            tc_rows_spread(at.state, at.values, op->state_groups);
        }
        tc_fill(padded, 0, 4u * op->input_groups);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts(in, op->masked, op->mask_zero, y)) {
            tc_copy(padded, tc_input_row(in, y), op->inputs);
            tc_rows_spread(at.inputs, padded, op->input_groups);
            tc_gru_step(op, &at);
        }
        tc_copy(tc_output_row(out, y), at.values, op->units);
    }
}

#endif

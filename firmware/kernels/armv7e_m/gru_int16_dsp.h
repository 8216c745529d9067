/* A gated recurrent unit on int16, on Armv7E-M: see gru_int16.h; products and the layout of the weights are those of
 * recurrent_products.h. Sums are scaled as in factor_int16.h. */
#ifndef TINYCOMP_GRU_INT16_DSP_H
#define TINYCOMP_GRU_INT16_DSP_H

#include "curves_int16.h"
#include "factor_int16.h"
#include "recurrent_mask_int16.h"
#include "recurrent_products.h"

typedef struct {
    uint16_t inputs, units;
    uint16_t input_groups, state_groups; /* of four values */
    uint16_t gate_blocks;                /* of rows, of both gates */
    uint8_t reset_after;                 /* 1: the reset gate multiplies what the state adds; 0: the state */
    uint8_t masked;                      /* 1: rows where the second input is mask_zero leave the state as it is */
    int8_t mask_zero;
    uint8_t start; /* the place among the inputs of the state before the first row; 0: it is zeros */
    uint8_t sigmoid_shift, tanh_shift;
    int32_t sigmoid_multiplier, tanh_multiplier; /* of sums: positions in the table */
    const tc_weights_t *weights;
    const int32_t *rows; /* of each row, over the input, then over the state: initial sum; upper bits of the multiplier;
                            its lower 16 bits, and the shift of the product's high word */
    const uint16_t *table;
} tc_gru_int16_dsp_t;

typedef struct {
    uint32_t *inputs, *state, *reset; /* pairs */
    int16_t *values;                  /* the state, padded with zeros */
    int16_t *candidates, *gates;      /* as many as fill whole blocks, and as the last block of candidates reads */
} tc_gru_int16_dsp_scratch_t;

#define TC_GRU_INT16_WORDS 6 /* of a row */

/* A product with what sigmoid returns, in the scale of the value. */
static inline int32_t tc_gru_int16_share(int32_t share, int32_t value)
{
    const int32_t half = (share * value + 1) >> 1;
    return (half + (half >> 31) + (1 << 13)) >> 14;
}

/* Groups of four values as pairs: the even ones, the odd ones. */
static inline void tc_gru_int16_pairs(uint32_t *pairs, const int16_t *from, unsigned groups)
{
    for (; groups != 0; groups--, from += 4, pairs += 2) {
        const uint32_t a = tc_load_word((const int8_t *)from), b = tc_load_word((const int8_t *)(from + 2));
        pairs[0] = tc_pack_low(a, b);
        pairs[1] = tc_pack_high(a, b);
    }
}

/* The sums of a block over input and state; returns the weights after it. */
static inline const int8_t *tc_gru_int16_sums(const tc_gru_int16_dsp_t *op, const tc_gru_int16_dsp_scratch_t *at,
                                              const uint32_t *state, const int32_t *row, const int8_t *w,
                                              uint32_t *inputs, uint32_t *states)
{
    for (unsigned i = 0; i < TC_ROWS_BLOCK; i++) {
        inputs[i] = (uint32_t)row[TC_GRU_INT16_WORDS * i];
        states[i] = (uint32_t)row[TC_GRU_INT16_WORDS * i + 3];
    }
    w = tc_rows_products(inputs, w, at->inputs, op->input_groups);
    return tc_rows_products(states, w, state, op->state_groups);
}

/* The pairs of the state times the reset gate. */
static inline void tc_gru_int16_reset(const tc_gru_int16_dsp_t *op, const tc_gru_int16_dsp_scratch_t *at,
                                      const int16_t *reset)
{
    for (unsigned i = 0; i < op->units; i++) {
        at->candidates[i] = (int16_t)tc_gru_int16_share(reset[i], at->values[i]);
    }
    for (unsigned i = op->units; i < 4u * op->state_groups; i++) {
        at->candidates[i] = 0;
    }
    tc_gru_int16_pairs(at->reset, at->candidates, op->state_groups);
}

/* One step: the next state. */
static inline void tc_gru_int16_step(const tc_gru_int16_dsp_t *op, const tc_gru_int16_dsp_scratch_t *at)
{
    const int8_t *w = tc_weights_read(op->weights, 0, 0, NULL);
    const int32_t *row = op->rows;
    const uint32_t *state = at->state;
    const int16_t *const reset = at->gates + op->units;
    const int32_t sigmoid_half = (int32_t)((1u << op->sigmoid_shift) >> 1);
    const int32_t tanh_half = (int32_t)((1u << op->tanh_shift) >> 1);
    uint32_t inputs[TC_ROWS_BLOCK], states[TC_ROWS_BLOCK];
    int16_t *gate = at->gates;
    for (unsigned block = op->gate_blocks; block != 0; block--) {
        w = tc_gru_int16_sums(op, at, state, row, w, inputs, states);
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++, row += TC_GRU_INT16_WORDS) {
            const int32_t share = tc_factor_int16(row, inputs[i]), back = tc_factor_int16(row + 3, states[i]);
            const int32_t sum = tc_saturate_to_int16(share + back) * op->sigmoid_multiplier;
            *gate++ = tc_sigmoid_int16(op->table, (sum + sigmoid_half) >> op->sigmoid_shift);
        }
    }
    if (!op->reset_after) {
        tc_gru_int16_reset(op, at, reset);
        state = at->reset;
    }
    for (unsigned c = 0; c < op->units; c += TC_ROWS_BLOCK) {
        w = tc_gru_int16_sums(op, at, state, row, w, inputs, states);
        for (unsigned i = 0; i < TC_ROWS_BLOCK; i++, row += TC_GRU_INT16_WORDS) { /* beyond the last: padding */
            const int32_t share = tc_factor_int16(row, inputs[i]);
            int32_t back = tc_factor_int16(row + 3, states[i]), sum;
            if (op->reset_after) {
                back = tc_gru_int16_share(reset[c + i], back);
            }
            sum = tc_saturate_to_int16(share + back) * op->tanh_multiplier;
            at->candidates[c + i] = tc_tanh_int16_of(op->table, (sum + tanh_half) >> op->tanh_shift);
        }
    }
    for (unsigned i = 0; i < op->units; i++) {
        const int32_t update = at->gates[i], old = tc_gru_int16_share(update, at->values[i]);
        const int32_t fresh = tc_gru_int16_share(32767 - update, at->candidates[i]);
        at->values[i] = (int16_t)tc_saturate_to_int16(old + fresh);
    }
    tc_gru_int16_pairs(at->state, at->values, op->state_groups);
}

/* Output rows [first, last), in order. Scratch: pairs of the state and of the input, pairs of the state times the reset
 * gate, the state, candidates, a padded input, gates. */
static void tc_gru_int16_dsp(const tc_gru_int16_dsp_t *op, const tc_input_t *in, const tc_output_t *out, uint16_t first,
                             uint16_t last, int8_t *scratch)
{
    tc_gru_int16_dsp_scratch_t at;
    int16_t *padded;
    const size_t state_size = 4u * op->state_groups;
    at.state = (uint32_t *)(void *)scratch;
    at.inputs = at.state + 2 * op->state_groups;
    at.reset = at.inputs + 2 * op->input_groups;
    at.values = (int16_t *)(void *)(at.reset + (op->reset_after ? 0 : 2 * op->state_groups));
    at.candidates = at.values + state_size;
    padded = at.candidates + state_size;
    at.gates = padded + 4u * op->input_groups;
    if (first == 0) {
        tc_fill(at.values, 0, 2 * state_size);
        tc_fill(at.state, 0, 2 * state_size);
        if (!TC_RECURRENT_RESET && op->start != 0u) {
            tc_copy(at.values, tc_input_row(&in[op->start], 0), 2u * op->units);
            tc_gru_int16_pairs(at.state, at.values, op->state_groups);
        }
        tc_fill(padded, 0, 8u * op->input_groups);
    }
    for (uint16_t y = first; y < last; y++) {
        if (tc_row_counts_int16(in, op->masked, op->mask_zero, y)) {
            tc_copy(padded, tc_input_row_int16(in, y), 2u * op->inputs);
            tc_gru_int16_pairs(at.inputs, padded, op->input_groups);
            tc_gru_int16_step(op, &at);
        }
        tc_copy(tc_output_row_int16(out, y), at.values, 2u * op->units);
    }
}

#endif

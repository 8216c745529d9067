/* Of recurrent layers with a mask: a step whose mask is zero leaves the state as it is. And of those that start from a
 * given state. */
#ifndef TINYCOMP_RECURRENT_MASK_H
#define TINYCOMP_RECURRENT_MASK_H

#include "tinycomp.h"

/* 1: no layer has a mask (tinycomp/kernels/_facts.py). */
#ifndef TC_RECURRENT_UNMASKED
#define TC_RECURRENT_UNMASKED 0
#endif

/* 1: all layers start from zeros. */
#ifndef TC_RECURRENT_RESET
#define TC_RECURRENT_RESET 0
#endif

/* The state before the first row, of so many bytes: that of the input at `place`, or zeros if it is 0. */
static inline void tc_first_state(void *state, const tc_input_t *in, uint8_t place, size_t size)
{
    if (TC_RECURRENT_RESET || place == 0u) {
        tc_fill(state, 0, size);
    } else {
        tc_copy(state, tc_input_row(&in[place], 0), size);
    }
}

/* Whether a row counts. masked: 1 if the layer's second input is a mask, which stores `zero` for rows that do not. */
static inline bool tc_row_counts(const tc_input_t *in, uint8_t masked, int8_t zero, uint16_t y)
{
    return TC_RECURRENT_UNMASKED || masked == 0u || *tc_input_row(&in[1], y) != zero;
}

#endif
